"""Checking any YAML file that a user writes: an experiment, a search or an ablation."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from pydantic import BaseModel

from sfcmt.config import GivenSourceConfig
from sfcmt.data.manifest import MANIFEST
from sfcmt.experiment import Experiment, load_experiment
from sfcmt.tuning.ablation.spec import load_ablation
from sfcmt.tuning.search.spec import load_search
from sfcmt.yaml_files import read_yaml


class Checked(NamedTuple):
    """What a file says, defaults filled in, and the experiment that it is or is about."""

    config: BaseModel
    experiment: Experiment[Any]


def checked(file: str, overrides: tuple[str, ...] = ()) -> Checked:
    """A shipped experiment's name or a file's path -> its config. Raises `ConfigError` with every problem at once."""
    raw = read_yaml(Path(file)) if Path(file).is_file() else {}
    if "experiment" not in raw:  # studies are of one
        experiment = load_experiment(file, overrides)
        return Checked(experiment, experiment)
    study = load_ablation(file, overrides) if "design" in raw else load_search(file, overrides)
    return Checked(study.spec, study.experiment)


def built(experiment: Experiment[Any]) -> Iterator[str]:
    """Builds the networks that the experiment trains, and dry-runs its batches; a line on each network.

    Raises `ConfigError` or `ModelError`; `DataError` where the data are here, and too few.
    """
    from sfcmt.models.building import built_backbone, built_source, built_translator, dry_run_classifier
    from sfcmt.recipes import image_size, source_size, transfer_recipe
    from sfcmt.stages.dry_run import dry_run
    from sfcmt.task import open_task

    made_for, size, source = source_size(experiment), image_size(experiment), experiment.source
    if isinstance(source, GivenSourceConfig):
        yield from built_source(source, made_for)
    else:
        yield built_backbone(source, made_for)
        dry_run_classifier(source.backbone, made_for, made_for, source.batch)
        dry_run_classifier(source.backbone, made_for, size, experiment.transfer.batch)
    if experiment.trains_bridge:
        yield built_translator(experiment.bridge, size)
    if (Path(experiment.data.folder or "") / MANIFEST).is_file():
        dry_run([transfer_recipe(experiment, open_task(experiment, Path()), experiment.seed)])
