"""BN adaptation: the source model with batch-norm statistics of the target (Li et al. 2017, AdaBN)."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from sfcmt.config import TransferConfig
from sfcmt.stages.method import METHODS, Method

if TYPE_CHECKING:
    from sfcmt.models.target_model import TargetModel
    from sfcmt.stages.transfer_context import TransferContext


@METHODS.register("bn_adapt")
class BatchNormAdaptation(Method[TransferConfig]):
    """F_t = F_s with the running statistics replaced by averages over all TR target images."""

    trains: ClassVar[bool] = False

    def adapt(self, context: TransferContext[TransferConfig]) -> TargetModel:
        """One pass over the target images in training mode; no weight changes."""
        import torch

        from sfcmt.models.classifier import batchnorm_layers
        from sfcmt.stages.predict import predict_rows
        from sfcmt.stages.terms.base import channel_copy

        student = context.new_student()
        layers = list(batchnorm_layers(student))
        momenta = [layer.momentum for layer in layers]
        for layer in layers:
            layer.reset_running_stats()
            layer.momentum = None  # a plain average over all batches
        order = torch.randperm(len(context.data.target), generator=context.workspace.seed_everything("order"))
        predict_rows(lambda x: student.train()(channel_copy(x)), context.data.target, order, shared=False)
        for layer, momentum in zip(layers, momenta, strict=True):
            layer.momentum = momentum
        return context.target_model(student)
