"""Oracles: what whoever had the labels, or the RGB images, of the target scenes could reach."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import cached_property
from typing import Any, ClassVar

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from sfcmt.config import SourceConfig, Training
from sfcmt.data.augment import random_views
from sfcmt.data.batches import Column, SourceBatch, shuffled, step_count
from sfcmt.data.dataset import Dataset
from sfcmt.data.loading import DecodedImages, decode_all
from sfcmt.data.schema import Sealed, Split
from sfcmt.errors import DataError
from sfcmt.evaluation.labels import has_labels, has_real_source, open_labels, open_real_source
from sfcmt.experiment import Experiment
from sfcmt.models.classifier import Classifier
from sfcmt.models.normalise import Normalise
from sfcmt.models.target_model import TargetModel
from sfcmt.stages.fit import fit
from sfcmt.stages.predict import predict_rows
from sfcmt.stages.source import SourceStage
from sfcmt.stages.source_training import SourceLearner
from sfcmt.stages.stage import Stage, Workspace
from sfcmt.store import Artifact

FOLDS = 3
_LOGITS = "logits.safetensors"


def oracle_logits(artifact: Artifact) -> Tensor:
    """Logits (N, K) that an oracle stage wrote for the TR target images."""
    return load_file(artifact.path / _LOGITS)["logits"]


def oracle_stages(experiment: Experiment[Any], dataset: Dataset, seeds: Sequence[int]) -> list[Stage]:
    """The oracles that the data set has the sealed parts for, under each seed."""
    kinds: list[type[Stage]] = [SupervisedOracle] if has_labels(dataset) else []
    kinds += [RealSourceOracle] if kinds and has_real_source(dataset) else []
    return [kind(experiment, dataset, seed) for kind in kinds for seed in seeds]


class RealSourceOracle(Stage):
    """The source model on the real source-modality images of the target scenes."""

    kind: ClassVar[str] = "oracle_real_source"
    version: ClassVar[int] = 1
    reads: ClassVar[tuple[Split, ...]] = (Split.TARGET,)

    @property
    def config(self) -> SourceConfig:
        """The source model's."""
        return self.experiment.source

    @cached_property
    def upstream(self) -> Sequence[Stage]:
        """The source model."""
        return (SourceStage(self.experiment, self.dataset, self.seed),)

    @cached_property
    def recipe(self) -> dict[str, Any]:
        """The stage's recipe and the digest of the images."""
        return super().recipe | {"sealed": self.dataset.manifest.entry(Sealed.REAL_SOURCE).sha256}

    def train(self, workspace: Workspace) -> dict[str, float]:
        """Predict; nothing is trained."""
        source = TargetModel.load(workspace.artifact("source").path).to(workspace.device)
        encoded = open_real_source(self.dataset)
        pixels = decode_all(encoded, self.experiment.data.size, False, f"{self.dataset.folder}/{Sealed.REAL_SOURCE}")
        column = Column(DecodedImages(pixels), source.normalise, workspace.device)
        save_file({"logits": predict_rows(source.classifier, column).logits_BK.cpu()}, workspace.folder / _LOGITS)
        return {}


class SupervisedOracle(Stage):
    """A classifier trained like the source model, but on labelled target images.

    Cross-fitted: the frames are dealt into `FOLDS` parts, and each image is predicted by a model that has seen none of
    its part.
    """

    kind: ClassVar[str] = "oracle_supervised"
    version: ClassVar[int] = 2
    reads: ClassVar[tuple[Split, ...]] = (Split.TARGET,)

    @property
    def config(self) -> SourceConfig:
        """The source model's: the same training, on other images."""
        return self.experiment.source

    @cached_property
    def recipe(self) -> dict[str, Any]:
        """The stage's recipe and the digest of the labels."""
        return super().recipe | {"sealed": self.dataset.manifest.entry(Sealed.LABELS).sha256, "folds": FOLDS}

    def train(self, workspace: Workspace) -> dict[str, float]:
        """Train one model per fold. Raises `DataError` if there are fewer frames than folds."""
        target = open_labels(self.dataset)
        fold_N = folds_of(target.groups.to_pylist())
        if len(set(fold_N.tolist())) < FOLDS:
            raise DataError(
                f"{self.dataset.folder}: the supervised oracle needs target images of {FOLDS} or more frames"
            )
        manifest = self.dataset.manifest
        normalise = Normalise(manifest.target.normalisation, manifest.holes)
        column = Column(workspace.reader.images(Split.TARGET, "image"), normalise, workspace.device)
        logits_NK = torch.zeros(len(column), len(self.dataset.classes))
        for fold in range(FOLDS):
            data = LabelledTarget(column, target.labels_N, (fold_N != fold).nonzero().flatten())
            rows = (fold_N == fold).nonzero().flatten()
            logits_NK[rows] = self._fit_fold(fold, data, workspace, rows)
        save_file({"logits": logits_NK}, workspace.folder / _LOGITS)
        for folder in workspace.folder.glob("fold-*"):
            shutil.rmtree(folder)
        return {}

    def _fit_fold(self, fold: int, data: LabelledTarget, workspace: Workspace, rows: Tensor) -> Tensor:
        own = replace(workspace, folder=workspace.folder / f"fold-{fold}", curves=[])  # with a checkpoint of its own
        own.folder.mkdir(exist_ok=True)
        own.seed_everything("init", fold)
        model = Classifier(self.config.backbone, len(self.dataset.classes), self.config.pretrained)
        fit(SourceLearner(model, self.config), data, self.config, own)
        return predict_rows(lambda x: model(_copied(x)), data.column, rows).logits_BK.cpu()


class LabelledTarget:
    """Channel copies of target images with their labels."""

    def __init__(self, column: Column, labels_N: Tensor, rows: Tensor) -> None:
        self.column, self._labels_N, self.rows = column, labels_N, rows

    def steps(self, training: Training) -> int:
        """Steps of one epoch."""
        return step_count(len(self.rows), training.batch)

    def epoch(self, training: Training, generator: torch.Generator) -> Iterator[SourceBatch]:
        """One pass in random order."""
        for rows in shuffled(self.rows, training.batch, self.steps(training), generator):
            views = random_views(len(rows), training.crop, training.flip, generator)
            x_B1HW = self.column.augmented(rows, views)
            yield SourceBatch(_copied(x_B1HW), self._labels_N[rows].to(x_B1HW.device))


def _copied(x_B1HW: Tensor) -> Tensor:
    return x_B1HW.expand(-1, 3, -1, -1)


def folds_of(groups: Sequence[str]) -> Tensor:
    """The fold (N,) of each image: frames are dealt in the order of their digests, so each fold has as many."""
    frames = sorted(set(groups), key=lambda group: hashlib.sha256(f"fold {group}".encode()).digest())
    fold = {frame: place % FOLDS for place, frame in enumerate(frames)}
    return torch.tensor([fold[group] for group in groups])
