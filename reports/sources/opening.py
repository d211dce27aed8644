"""From what a user names to a finished study."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from reports.sources.ablation import read_ablation
from reports.sources.results import Results
from reports.sources.runs import ReportError
from reports.sources.search import read_search
from sfcmt.storage import absolute_store
from sfcmt.store import Store
from tuning.kinds import StudyKind
from tuning.search.study import Study
from tuning.search.study_folder import SPEC, find_folder, kind_of


def open_all(places: Sequence[str], store: str) -> list[Results]:
    """Finished studies, by their folders or names. Raises `ReportError`, `SearchError`, `ConfigError`."""
    found = [open_results(place, store) for place in places]
    folders = [results.folder.resolve() for results in found]
    if twin := next((folder for folder in folders if folders.count(folder) > 1), None):
        raise ReportError(f"{twin}: named twice")
    return found


def open_results(place: str, store: str) -> Results:
    """One finished study. A study that is named by its folder has the store that it was run on."""
    is_folder = kind_of(Path(place)) is not None
    folder = Path(place) if is_folder else find_folder(place, Store(store))
    if kind_of(folder) is not StudyKind.ABLATION:
        return read_search(Study.find(place, store))
    saved = json.loads((folder / SPEC).read_text())
    if not is_folder:  # it may have another place on this machine
        saved["experiment"]["runtime"]["store"] = absolute_store(store)
    return read_ablation(folder, saved)
