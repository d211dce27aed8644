"""Checking any YAML file that a user writes: an experiment, a search or an ablation."""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel

from sfcmt.experiment import load_experiment
from sfcmt.yaml_files import read_yaml
from tuning.ablation.spec import load_ablation
from tuning.search.spec import load_search


def checked(file: str, overrides: tuple[str, ...]) -> BaseModel:
    """A shipped experiment's name or a file's path -> its config. Raises `ConfigError` with every problem at once."""
    raw = read_yaml(Path(file)) if Path(file).is_file() else {}
    if "experiment" not in raw:  # studies are of one
        return load_experiment(file, overrides)
    return load_ablation(file, overrides).spec if "design" in raw else load_search(file, overrides).spec
