"""What would be trained, gone through before anything is: networks are built, and a batch passes through each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch

from sfcmt.config import BridgeConfig, SourceConfig, Training, TransferConfig
from sfcmt.data.batches import pair_rows
from sfcmt.data.dataset import holdout_mask
from sfcmt.data.schema import Split
from sfcmt.data.target_holdout import held_out
from sfcmt.errors import DataError
from sfcmt.models.building import dry_run_classifier, dry_run_translator
from sfcmt.recipe import Recipe
from sfcmt.recipes import TRANSFER
from sfcmt.stages.method import METHODS
from sfcmt.store import Store

_LEAST = 2
"""Images of a batch: of one, batch norm has no statistics."""
_FEW = 1000
"""Rows up to which a split is read to count those that are held out: of more, enough are left."""


def dry_run(recipes: Sequence[Recipe], store: Store | None = None) -> None:
    """Dry-run all that is trained for recipes; where there is a `store`, what is missing in it.

    Raises `ConfigError` for sizes and batches that a network does not take, `DataError` for too few images. A source
    model that the user brings is tried when it is read, which comes before any training.
    """
    with torch.random.fork_rng(devices=[]):
        for recipe in _missing(recipes, store, set()):
            if isinstance(recipe.config, Training):
                _dry_run(recipe, recipe.config)


def _missing(recipes: Sequence[Recipe], store: Store | None, seen: set[str]) -> Iterator[Recipe]:
    for recipe in recipes:
        if recipe.identity not in seen and (store is None or store.find(recipe) is None):
            seen.add(recipe.identity)
            yield from _missing(recipe.upstream, store, seen)
            yield recipe


def _dry_run(recipe: Recipe, training: Training) -> None:
    if Split.PAIRS in recipe.reads:
        pair_rows(recipe.dataset, recipe.data.holdout)
    if isinstance(recipe.config, TransferConfig) and recipe.kind == TRANSFER:
        METHODS[recipe.name].check_target(recipe.config, recipe.dataset.manifest.target)
    batch = min(training.batch, _rows(recipe)) if recipe.trains else training.batch
    if batch < _LEAST:
        images = f"images of {' and '.join(_splits(recipe))} to train on"
        raise DataError(f"{recipe.dataset.folder}: {images}: {batch}; needed: {_LEAST} or more")
    if isinstance(recipe.config, BridgeConfig) and recipe.trains:
        channels = recipe.dataset.manifest.target.channels
        dry_run_translator(recipe.config.translator, recipe.size, training.batch, channels)
    source = _source(recipe)
    if isinstance(source.config, SourceConfig):
        dry_run_classifier(source.config.backbone, source.size, recipe.size, batch)


def _source(recipe: Recipe) -> Recipe:
    """The source model that it stands on; itself, if it stands on none."""
    return next((one for one in recipe.upstream if one.kind == "source"), recipe)


def _rows(recipe: Recipe) -> int:
    """Images of the smallest of the splits that it trains on, less those that are held out."""
    return min(_trained_rows(recipe, split) for split in _splits(recipe))


def _splits(recipe: Recipe) -> list[Split]:
    """Those whose images pass through the classifier in batches of their own."""
    has_pairs = recipe.kind == TRANSFER and METHODS[recipe.name].needs_pairs(recipe.config)
    return [split for split in recipe.reads if split != Split.PAIRS or has_pairs]


def _trained_rows(recipe: Recipe, split: Split) -> int:
    rows = recipe.dataset.manifest.files[split].rows
    if split == Split.TARGET:
        return rows - int(held_out(recipe.dataset, recipe.data.target_holdout).sum())
    if rows > _FEW:
        return rows
    return int((~holdout_mask(recipe.dataset.columns(split, "group")["group"], recipe.data.holdout)).sum())
