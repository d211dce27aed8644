"""The data of an experiment as its task sees them: with the classes of a source model that the user brings."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sfcmt.config import GivenSourceConfig
from sfcmt.data.dataset import Dataset
from sfcmt.data.opening import open_dataset, open_elsewhere
from sfcmt.experiment import Experiment
from sfcmt.models.given import GivenSource


def open_task(experiment: Experiment[Any], store: Path) -> Dataset:
    """Open the data set that the experiment names. Raises `ConfigError`, `DataError`."""
    return _of_task(experiment, open_dataset(experiment.data, store))


def open_task_elsewhere(experiment: Experiment[Any], folder: Path, store: Path) -> Dataset:
    """What another process opened from `folder`."""
    return _of_task(experiment, open_elsewhere(experiment.data, folder, store))


def _of_task(experiment: Experiment[Any], dataset: Dataset) -> Dataset:
    if not isinstance(experiment.source, GivenSourceConfig):
        return dataset
    return dataset.of_task(GivenSource(experiment.source).classes)
