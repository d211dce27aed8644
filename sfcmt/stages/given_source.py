"""The source model that the user brings, read once and kept as those that are trained here are. No image is read."""

from __future__ import annotations

from sfcmt.config import GivenSourceConfig
from sfcmt.distributed import is_main
from sfcmt.models.given import GivenSource
from sfcmt.models.target_model import TargetModel, given_spec
from sfcmt.provenance import weights_digest
from sfcmt.workspace import Workspace


def read_source(workspace: Workspace) -> dict[str, float]:
    """Read it, check that all of it fits together, and save it."""
    config, size = workspace.recipe.settings(GivenSourceConfig), workspace.recipe.size
    source = GivenSource(config)
    classifier, notes = source.classifier(size)
    workspace.made_by["weights"] = weights_digest(classifier)
    workspace.notes += notes
    if is_main():
        TargetModel(given_spec(config.model, classifier, source.classes, size), classifier).save(workspace.folder)
    return {}
