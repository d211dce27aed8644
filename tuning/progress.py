"""Progress of a verb that trains."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from sfcmt.clusters.persistence import place_tracking, require_persistent_store
from sfcmt.data.opening import SYNTHETIC, open_dataset
from sfcmt.progress.command import command_progress
from sfcmt.progress.lines import ProgressLines
from sfcmt.storage import local_folder

if TYPE_CHECKING:
    from sfcmt.experiment import Experiment


@contextmanager
def progress_of(
    verb: str, name: str, plan: str, experiment: Experiment[Any], verbose: bool = False
) -> Iterator[ProgressLines]:
    """What the verb tells of its work, its plan first.

    Before that it raises `ConfigError` or `DataError` for a store that would be lost with its job, or for missing data:
    what cannot be done is no plan.
    """
    store = experiment.runtime.store
    require_persistent_store(store)
    place_tracking(store)
    if experiment.data.folder != SYNTHETIC:  # which may have to be rendered
        open_dataset(experiment.data, local_folder(store))
    with command_progress(f"{verb}-{name}", plan, store, verbose) as progress:
        yield progress
