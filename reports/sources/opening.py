"""From what a user names to a finished study."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from sfcmt.reports.sources.ablation import read_ablation
from sfcmt.reports.sources.results import Results
from sfcmt.reports.sources.runs import ReportError
from sfcmt.reports.sources.search import read_search
from sfcmt.storage import absolute_store
from sfcmt.store import Store
from sfcmt.tuning.kinds import StudyKind
from sfcmt.tuning.search.study import Study
from sfcmt.tuning.search.study_folder import find_folders, kind_of, read_spec


def open_studies(places: Sequence[str], store: str) -> list[Results]:
    """Finished studies, by their folders or names; a name stands for all studies that have it.

    A study that is named by its folder has the store that it was run on. Raises `ReportError`, `SearchError`,
    `ConfigError`.
    """
    found = [results for place in places for results in _open(place, store)]
    folders = [results.folder.resolve() for results in found]
    if twin := next((folder for folder in folders if folders.count(folder) > 1), None):
        raise ReportError(f"{twin}: named twice")
    return found


def _open(place: str, store: str) -> Iterator[Results]:
    if kind_of(Path(place)) is not None:
        yield _open_folder(Path(place), None)
    else:
        yield from (_open_folder(folder, store) for folder in find_folders(place, Store(store)))


def _open_folder(folder: Path, store: str | None) -> Results:
    """`store` may have another place on this machine than it had where the study was run."""
    if kind_of(folder) is not StudyKind.ABLATION:
        return read_search(Study.find(str(folder), "") if store is None else Study.find(folder.name, store))
    saved = read_spec(folder)
    if store is not None:
        saved["experiment"]["runtime"]["store"] = absolute_store(store)
    return read_ablation(folder, saved)
