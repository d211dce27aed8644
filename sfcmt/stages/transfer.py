"""The transfer: from the source model to a target model, by any method. It never sees source images, nor labels."""

from __future__ import annotations

from sfcmt.distributed import is_main
from sfcmt.models.normalisation import require_batchnorm
from sfcmt.stages.method import METHODS
from sfcmt.stages.transfer_context import TransferContext
from sfcmt.workspace import Workspace


def train_transfer(workspace: Workspace) -> dict[str, float]:
    """Run the recipe's method, save its model and its outputs."""
    method = METHODS[workspace.recipe.name]
    config = workspace.recipe.settings(method.Config)
    context = TransferContext(config, workspace, method.start(config))
    if field := method.batchnorm_field(config):
        require_batchnorm(context.source, field)
    model = method().adapt(context).to(workspace.device).eval()
    outputs = context.answers(model).outputs
    if is_main():
        model.save(workspace.folder)
        outputs.save(workspace.folder)
    return {}
