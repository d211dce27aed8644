"""The source stage: train F_s and C_s on TR source images, the only time that these are read."""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import Tensor
from torch.nn import functional as F

from sfcmt.config import SourceConfig
from sfcmt.data.batches import SourceBatch, SourceData
from sfcmt.data.dataset import Dataset
from sfcmt.data.schema import Split
from sfcmt.distributed import gathered, is_main
from sfcmt.models.classifier import Classifier, set_batchnorm_momentum
from sfcmt.models.target_model import ModelSpec, TargetModel
from sfcmt.stages.fit import fit
from sfcmt.stages.learner import Learner, ParameterGroup, classifier_groups
from sfcmt.stages.predict import predict_rows
from sfcmt.stages.stage import Stage, Workspace


class SourceStage(Stage):
    """Cross-entropy with label smoothing on augmented TR source images."""

    kind: ClassVar[str] = "source"
    version: ClassVar[int] = 1
    reads: ClassVar[tuple[Split, ...]] = (Split.SOURCE,)

    @property
    def config(self) -> SourceConfig:
        """The experiment's `source` section."""
        return self.experiment.source

    def train(self, workspace: Workspace) -> dict[str, float]:
        """Train, save the model, and report its accuracy on held-out source frames."""
        config, data = self.config, SourceData(self.dataset, self.experiment.data, workspace.reader)
        workspace.seed_everything("init")
        model = Classifier(config.backbone, len(self.dataset.classes), config.pretrained)
        fit(SourceLearner(model, config), data, config, workspace)
        spec = source_spec(self.dataset, config.backbone, self.experiment.data.size)
        if is_main():
            TargetModel(spec, model).save(workspace.folder)
        if not len(data.held_rows):
            return {}
        predicted = predict_rows(model, data.column, data.held_rows).logits_BK.argmax(dim=1)
        return {"source_accuracy": (predicted == data.labels(data.held_rows)).float().mean().item()}


class SourceLearner(Learner[SourceBatch]):
    """L = CE(C(F(x)), y), smoothed."""

    def __init__(self, model: Classifier, config: SourceConfig) -> None:
        super().__init__()
        self.model: Classifier = model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self._config = config
        set_batchnorm_momentum(model, config.bn_momentum)

    def parameter_groups(self) -> list[ParameterGroup]:
        """Backbone, and head at a higher rate."""
        return classifier_groups(self.model, self._config)

    def forward(self, batch: SourceBatch) -> dict[str, Tensor]:
        """Cross-entropy of one batch."""
        logits_BK = gathered(self.model(batch.x_B3HW).logits_BK, len(batch.label_B))
        smoothing = self._config.label_smoothing
        return {"cross_entropy": F.cross_entropy(logits_BK, batch.label_B, label_smoothing=smoothing)}


def source_spec(dataset: Dataset, backbone: str, size: int) -> ModelSpec:
    """Spec of a model of the source modality."""
    modality = dataset.manifest.source
    return ModelSpec(
        backbone=backbone,
        classes=dataset.classes,
        translator="copy",
        modality=modality.name,
        channels=modality.channels,
        bits=modality.bits,
        size=size,
        normalisation=modality.normalisation,
        holes="keep",
    )


def target_spec(dataset: Dataset, backbone: str, size: int, translator: str = "copy") -> ModelSpec:
    """Spec of a model of the target modality."""
    modality = dataset.manifest.target
    return ModelSpec(
        backbone=backbone,
        classes=dataset.classes,
        translator=translator,
        modality=modality.name,
        channels=modality.channels,
        bits=modality.bits,
        size=size,
        normalisation=modality.normalisation,
        holes=dataset.manifest.holes,
    )
