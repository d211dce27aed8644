"""Target images that an audit may not draw: their labels, handed in for a search, have chosen among its models."""

from __future__ import annotations

from collections.abc import Collection

from sfcmt.durable import disk_errors
from sfcmt.few_labels import FEW_LABELS
from sfcmt.store import Store
from sfcmt.tuning.search.study import Study
from sfcmt.tuning.search.study_folder import SPEC, read_spec


def left_out(store: Store, transfers: Collection[str]) -> set[str]:
    """Ids of the few labels of all searches in a store, as it is on this machine, that have made any of the models."""
    with disk_errors(store.root):
        folders = sorted(path.parent for path in store.root.glob(f"studies/*/{SPEC}"))
    few = (Study.find(folder.name, store.place) for folder in folders if FEW_LABELS in read_spec(folder))
    return {id_ for study in few if study.made.intersection(transfers) for id_ in _ids(study)}


def _ids(study: Study) -> tuple[str, ...]:
    return study.record.few_labels.ids if study.record.few_labels else ()
