"""The target model that a transfer goes on from, read once and kept as those that are trained here are."""

from __future__ import annotations

from sfcmt.config import GivenStartConfig
from sfcmt.distributed import is_main
from sfcmt.models.given_start import GivenStart
from sfcmt.workspace import Workspace


def read_start(workspace: Workspace) -> dict[str, float]:
    """Read it, and save it. No image is read."""
    model = GivenStart(workspace.recipe.settings(GivenStartConfig).model).model()
    if is_main():
        model.save(workspace.folder)
    return {}
