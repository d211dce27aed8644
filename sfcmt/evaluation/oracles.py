"""Oracles: what whoever had the labels, or the RGB images, of the target scenes could reach."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from sfcmt.artifact import Artifact
from sfcmt.config import GivenSourceConfig, SourceConfig, SourceTraining, Training
from sfcmt.data.augment import random_views
from sfcmt.data.batches import Column, SourceBatch, shuffled, step_count
from sfcmt.data.dataset import Dataset
from sfcmt.data.loading import StreamedImages, looked_ahead
from sfcmt.data.pixels import EncodedPixels, Form, Shape
from sfcmt.data.schema import Sealed, Split
from sfcmt.devices import sent
from sfcmt.distributed import is_main
from sfcmt.evaluation.folds import FOLDS, folds_of, require_frames
from sfcmt.evaluation.labels import has_labels, has_real_source, open_labels, open_real_source
from sfcmt.experiment import Experiment
from sfcmt.models.bottleneck import BottleneckClassifier
from sfcmt.models.classifier import Classifier
from sfcmt.models.target_model import ModelSpec, TargetModel, input_of, read_spec, source_spec, target_spec
from sfcmt.models.translators.copy import channel_copy
from sfcmt.recipe import Recipe
from sfcmt.recipes import (
    BOTTLENECK,
    CLASSIFIER,
    IMAGES,
    sized,
    source_recipe,
    source_size,
    training_parts,
    translator_choice,
    translator_parts,
)
from sfcmt.stages.fit import fit
from sfcmt.stages.predict import predict_rows
from sfcmt.stages.source import SourceLearner
from sfcmt.workspace import Workspace

SUPERVISED = "oracle_supervised"
"""Kind of the recipes of the supervised oracle."""
_FOLD = "oracle_fold"
_LOGITS = "logits.safetensors"


def oracle_logits(artifact: Artifact) -> Tensor:
    """Logits (N, K) that an oracle wrote for the TR target images."""
    return load_file(artifact.path / _LOGITS)["logits"]


def oracle_recipes(experiment: Experiment[Any], dataset: Dataset, seeds: Sequence[int]) -> list[Recipe]:
    """The oracles that the data set has the sealed parts for, under each seed. Raises `DataError` for few frames."""
    if has_labels(dataset):
        require_frames(dataset)
    kinds = [supervised_recipe] if has_labels(dataset) else []
    kinds += [real_source_recipe] if kinds and has_real_source(dataset) else []
    return [kind(experiment, dataset, seed) for kind in kinds for seed in seeds]


def real_source_recipe(experiment: Experiment[Any], dataset: Dataset, seed: int) -> Recipe:
    """The source model on the real source-modality images of the target scenes."""
    return Recipe(
        kind="oracle_real_source",
        name="oracle_real_source",
        trained_by="sfcmt.evaluation.oracles:predict_real_source",
        parts=IMAGES,
        config=experiment.source,
        preset="source",
        data=sized(experiment.data, source_size(experiment)),
        dataset=dataset,
        reads=(Split.TARGET,),
        seed=seed,
        upstream=(source_recipe(experiment, dataset, seed),),
        trains=False,
        more={"sealed": dataset.manifest.entry(Sealed.REAL_SOURCE).sha256},
    )


def supervised_recipe(experiment: Experiment[Any], dataset: Dataset, seed: int) -> Recipe:
    """A classifier trained like the source model, but on labelled target images; from a given one, where there is one.

    Cross-fitted: the frames are dealt into `FOLDS` parts, and each image is predicted by a model that has seen none of
    its part. Each fold is a recipe of its own, with a checkpoint of its own.
    """
    folds = tuple(fold_recipe(experiment, dataset, seed, fold) for fold in range(FOLDS))
    return replace(
        folds[0],
        kind=SUPERVISED,
        name=SUPERVISED,
        trained_by="sfcmt.evaluation.oracles:join_folds",
        parts=("sfcmt.evaluation.folds",),
        upstream=folds,
        trains=False,
        more={"sealed": folds[0].more["sealed"], "folds": FOLDS},
    )


def fold_recipe(experiment: Experiment[Any], dataset: Dataset, seed: int, fold: int) -> Recipe:
    """One model of the supervised oracle: it learns from all other folds, and predicts this one."""
    labels, source = dataset.manifest.entry(Sealed.LABELS), source_recipe(experiment, dataset, seed)
    given = isinstance(experiment.source, GivenSourceConfig)
    config = experiment.source if isinstance(experiment.source, SourceConfig) else SourceTraining()
    return Recipe(
        kind=_FOLD,
        name=_fold_name(fold),
        trained_by="sfcmt.evaluation.oracles:train_fold",
        parts=(
            *(*IMAGES, *translator_parts(experiment, dataset), *training_parts(config), *CLASSIFIER),
            *(() if given else BOTTLENECK),
            "sfcmt.stages.source",
            "sfcmt.evaluation.folds",
        ),
        config=config,
        preset="source",
        data=sized(experiment.data, source_size(experiment)),
        dataset=dataset,
        reads=(Split.TARGET,),
        seed=seed,
        upstream=(*((source,) if given else ()), *translator_choice(experiment, dataset, seed)),
        more={**({} if given else source.more), "sealed": labels.sha256, "folds": FOLDS, "fold": fold},
        translator=experiment.bridge.fixed,
    )


def predict_real_source(workspace: Workspace) -> dict[str, float]:
    """Predict the real source images; nothing is trained."""
    recipe = workspace.recipe
    source = TargetModel.load(workspace.artifact("source").path).to(workspace.device)
    encoded, where = open_real_source(recipe.dataset), f"{recipe.dataset.folder}/{Sealed.REAL_SOURCE}"
    form = Form(len(encoded), 3, source.spec.size, 8)
    pixels = EncodedPixels(encoded, form, Shape(source.spec.size, False, source.spec.resize), where)
    column = Column(StreamedImages(pixels, workspace.device), source.normalise, workspace.device)
    _save(predict_rows(source.classifier, column).logits_BK, workspace)
    return {}


def train_fold(workspace: Workspace) -> dict[str, float]:
    """Train the model of one fold."""
    recipe = workspace.recipe
    target, config = open_labels(recipe.dataset), recipe.settings(SourceTraining)
    fold_N = _folds(recipe.dataset)
    is_own_N = fold_N == recipe.more["fold"]
    spec = _spec(workspace)
    column = Column(workspace.reader(spec.resize).images(Split.TARGET, "image"), input_of(spec), workspace.device)
    workspace.seed_everything("init")
    model = _new_classifier(config, workspace)
    data = LabelledTarget(column, target.labels_N, (~is_own_N).nonzero().flatten())
    fit(SourceLearner(model, config), data, config, workspace)
    _save(predict_rows(lambda x: model(channel_copy(x)), column, is_own_N.nonzero().flatten()).logits_BK, workspace)
    return {}


def join_folds(workspace: Workspace) -> dict[str, float]:
    """Put the predictions of all folds together; nothing is trained."""
    fold_N = _folds(workspace.recipe.dataset)
    logits_NK = torch.zeros(len(fold_N), len(workspace.recipe.dataset.classes))
    for fold in range(FOLDS):
        logits_NK[fold_N == fold] = oracle_logits(workspace.artifact(_FOLD, _fold_name(fold)))
    _save(logits_NK, workspace)
    return {}


def _save(logits_NK: Tensor, workspace: Workspace) -> None:
    if is_main():
        save_file({"logits": logits_NK.cpu().contiguous()}, workspace.folder / _LOGITS)  # workers' are parts of a whole


def _fold_name(fold: int) -> str:
    return f"{_FOLD}_{fold + 1}"


def _folds(dataset: Dataset) -> Tensor:
    target = open_labels(dataset)
    return folds_of(target.groups.to_pylist(), target.labels_N.tolist())


def _new_classifier(config: SourceTraining, workspace: Workspace) -> Classifier:
    recipe = workspace.recipe
    if isinstance(config, SourceConfig):
        return BottleneckClassifier(config.backbone, len(recipe.dataset.classes), config.pretrained, recipe.size)
    return TargetModel.load(workspace.artifact("source").path).classifier


def _spec(workspace: Workspace) -> ModelSpec:
    """Of the models that are trained: how target images are read and normalised."""
    recipe = workspace.recipe
    given = not isinstance(recipe.config, SourceConfig)
    source = read_spec(workspace.artifact("source").path) if given else source_spec(recipe.dataset, "", recipe.size)
    return target_spec(recipe.dataset, source, recipe.size, workspace.translator)


class LabelledTarget:
    """Target images, as models see them, with their labels: this worker's share of the images, all labels."""

    def __init__(self, column: Column, labels_N: Tensor, rows: Tensor) -> None:
        self.column, self._labels_N, self.rows = column, labels_N, rows

    def steps(self, training: Training) -> int:
        """Steps of one epoch."""
        return step_count(len(self.rows), training.batch)

    def epoch(self, training: Training, generator: torch.Generator) -> Iterator[SourceBatch]:
        """One pass in random order."""
        plan = shuffled(self.rows, training.batch, self.steps(training), generator)
        for rows, upcoming in looked_ahead(plan):
            views = random_views(len(rows), training.crop, training.flip, generator)
            x_B3HW = channel_copy(self.column.augmented(rows, views))
            for later_B in upcoming:
                self.column.prefetch(later_B)
            yield SourceBatch(x_B3HW, sent(self._labels_N[rows], x_B3HW.device))
