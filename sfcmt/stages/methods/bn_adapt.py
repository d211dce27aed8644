"""BN adaptation: the source model with batch-norm statistics of the target (Li et al. 2017, AdaBN).

A network without batch norm keeps no statistics. There the scales and shifts of its normalisation are adapted instead
(`sfcmt.stages.tent`); where there is none, the source model stays as it is. The artifact's notes say what was done.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from sfcmt.config import TransferConfig
from sfcmt.errors import DataError
from sfcmt.stages.method import METHODS, Method

if TYPE_CHECKING:
    from sfcmt.models.target_model import TargetModel
    from sfcmt.stages.transfer_context import TransferContext


@METHODS.register("bn_adapt")
class BatchNormAdaptation(Method[TransferConfig]):
    """F_t = F_s with the running statistics replaced by averages over all TR target images."""

    trains: ClassVar[bool] = False

    @classmethod
    def parts(cls, config: TransferConfig) -> tuple[str, ...]:
        """What stands in for it, too."""
        return (*super().parts(config), "sfcmt.stages.tent")

    def adapt(self, context: TransferContext[TransferConfig]) -> TargetModel:
        """One pass over the target images; no weight changes where there is batch norm. Raises `DataError`."""
        import torch

        from sfcmt.models.classifier import batchnorm_layers
        from sfcmt.models.translators.copy import channel_copy
        from sfcmt.stages.predict import predict_rows
        from sfcmt.stages.tent import adapt_affines

        student, target = context.new_student(), context.data.target
        layers = list(batchnorm_layers(student))
        order = torch.randperm(len(target), generator=context.workspace.seed_everything("order"))
        if not layers:
            adapted = adapt_affines(student, target, order)
            done = f"scales and shifts of {adapted} other layers are adapted" if adapted else "it stays as it is"
            context.workspace.notes.append(f"the source model has no batch norm: {done}")
            return context.target_model(student)
        if len(target) == 1:
            raise DataError(f"{context.workspace.recipe.dataset.folder}: 1 target image; bn_adapt needs 2 or more")
        momenta = [layer.momentum for layer in layers]
        for layer in layers:
            layer.reset_running_stats()
            layer.momentum = None  # a plain average over all batches
        predict_rows(lambda x: student.train()(channel_copy(x)), target, order, shared=False)
        for layer, momentum in zip(layers, momenta, strict=True):
            layer.momentum = momentum
        return context.target_model(student)
