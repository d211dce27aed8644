"""Training of the source model on TR source images, which nothing else reads: L = CE(C(F(x)), y), smoothed."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from sfcmt.config import SourceConfig, SourceTraining
from sfcmt.data.batches import SourceBatch, SourceData
from sfcmt.distributed import gathered, is_main
from sfcmt.models.bottleneck import BottleneckClassifier
from sfcmt.models.classifier import Classifier, set_batchnorm_momentum
from sfcmt.models.target_model import TargetModel, source_spec
from sfcmt.provenance import weights_digest
from sfcmt.stages.fit import fit
from sfcmt.stages.learner import Learner, ParameterGroup, classifier_groups
from sfcmt.stages.predict import predict_rows
from sfcmt.workspace import Workspace


def train_source(workspace: Workspace) -> dict[str, float]:
    """Train, save the model, and return its accuracy on held-out source frames, if there are any."""
    recipe, dataset = workspace.recipe, workspace.recipe.dataset
    config = recipe.settings(SourceConfig)
    data = SourceData(dataset, recipe.data, workspace.reader())
    workspace.seed_everything("init")
    model = BottleneckClassifier(config.backbone, len(dataset.classes), config.pretrained, recipe.size)
    if config.pretrained:
        workspace.made_by["pretrained_weights"] = weights_digest(model.backbone)
    fit(SourceLearner(model, config), data, config, workspace)
    if is_main():
        TargetModel(source_spec(dataset, config.backbone, recipe.size), model).save(workspace.folder)
    if not len(data.held_rows):
        return {}
    predicted = predict_rows(model, data.column, data.held_rows).logits_BK.argmax(dim=1)
    return {"source_accuracy": (predicted == data.labels(data.held_rows)).float().mean().item()}


class SourceLearner(Learner[SourceBatch]):
    """L = CE(C(F(x)), y), smoothed."""

    def __init__(self, model: Classifier, config: SourceTraining) -> None:
        super().__init__()
        self.model: Classifier = model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self._config = config
        set_batchnorm_momentum(model, config.bn_momentum)

    def parameter_groups(self) -> list[ParameterGroup]:
        """Backbone, and head at a higher rate."""
        return classifier_groups(self.model, self._config)

    def networks(self) -> list[nn.Module]:
        """The model."""
        return [self.model]

    def forward(self, batch: SourceBatch) -> dict[str, Tensor]:
        """Cross-entropy of one batch."""
        logits_BK = gathered(self.precision(self.model, batch.x_B3HW).logits_BK, len(batch.label_B))
        smoothing = self._config.label_smoothing
        return {"cross_entropy": F.cross_entropy(logits_BK, batch.label_B, label_smoothing=smoothing)}
