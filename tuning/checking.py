"""Checking any YAML file that a user writes: an experiment, a search or an ablation."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from pydantic import BaseModel

from sfcmt.config import GivenSourceConfig
from sfcmt.experiment import Experiment, load_experiment
from sfcmt.tuning.ablation.spec import load_ablation
from sfcmt.tuning.search.spec import load_search
from sfcmt.yaml_files import read_yaml


class Checked(NamedTuple):
    """What a file says, defaults filled in, and the experiment that it is or is about."""

    config: BaseModel
    experiment: Experiment[Any]


def checked(file: str, overrides: tuple[str, ...]) -> Checked:
    """A shipped experiment's name or a file's path -> its config. Raises `ConfigError` with every problem at once."""
    raw = read_yaml(Path(file)) if Path(file).is_file() else {}
    if "experiment" not in raw:  # studies are of one
        experiment = load_experiment(file, overrides)
        return Checked(experiment, experiment)
    study = load_ablation(file, overrides) if "design" in raw else load_search(file, overrides)
    return Checked(study.spec, study.experiment)


def built(experiment: Experiment[Any]) -> Iterator[str]:
    """Builds the networks that the experiment trains; a line on each. Raises `ConfigError` or `ModelError`."""
    from sfcmt.models.building import built_backbone, built_source, built_translator
    from sfcmt.recipes import image_size, source_size

    size = source_size(experiment)
    if isinstance(experiment.source, GivenSourceConfig):
        yield from built_source(experiment.source, size)
    else:
        yield built_backbone(experiment.source, size)
    if experiment.trains_bridge:
        yield built_translator(experiment.bridge, image_size(experiment))
