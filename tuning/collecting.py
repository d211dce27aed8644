"""What `sfcmt gc` does: remove from a store what no study, run or registry entry refers to."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sfcmt.garbage import STAGES, Piece, garbage, remove, strip, strippable, text_of
from sfcmt.store import Store
from sfcmt.tuning.kinds import StudyKind
from sfcmt.tuning.search.retention import losing_weights, released, retain
from sfcmt.tuning.search.study import Study
from sfcmt.tuning.search.study_folder import StudyFolder, kind_of, study_names
from sfcmt.tuning.search.study_storage import StudyStorageError


@dataclass
class Collected:
    """What was removed, or would be."""

    pieces: list[Piece] = field(default_factory=list)
    weights: dict[str, int] = field(default_factory=dict)
    """Bytes of the weights that go while all else of their stages stays, by stage."""
    left_out: list[str] = field(default_factory=list)
    """Why some things were not looked at, a line each."""

    @property
    def size(self) -> int:
        """In bytes."""
        return sum(piece.size for piece in self.pieces) + sum(self.weights.values())

    def as_json(self) -> dict[str, Any]:
        """The same as plain values."""
        folders = {str(piece): piece.size for piece in self.pieces}
        return {"bytes": self.size, "folders": folders, "weights": self.weights, "left_out": self.left_out}

    def lines(self, what: str) -> list[str]:
        """The same for people: a line for each thing that is `removed`, or `would go`, and the sum."""
        gone = [f"{piece}: {text_of(piece.size)}" for piece in self.pieces]
        gone += [f"{STAGES}/{name}, its weights: {text_of(size)}" for name, size in self.weights.items()]
        return [*gone, *self.left_out, f"{len(gone)} {what}: {text_of(self.size)}"]


def collect_garbage(store: str | Path, dry_run: bool = False) -> Collected:
    """Remove what nothing refers to; with `dry_run`, only say what that is.

    Each search keeps what its spec says (`keep`). Stages go that no study uses, nobody has asked for by hand, and no
    run or model version in MLflow names. What a living process holds stays; so does all of a study whose trials cannot
    be read now. Raises `OutageError`: then nothing more is removed.
    """
    place, collected, uses = Store(store), Collected(), defaultdict[str, set[str]](set)
    for name in study_names(place):
        if kind_of(StudyFolder(place, name).path) is StudyKind.SEARCH:
            try:
                _retain(Study.find(name, place.place), collected, uses, dry_run)
            except StudyStorageError as error:
                collected.left_out.append(f"study {name} keeps all that it has: {error}")
    pieces = garbage(place, uses)
    if any(piece.place == STAGES for piece in pieces):
        pieces = garbage(place, uses, _referred(collected))
    collected.pieces = pieces if dry_run else list(remove(place, pieces))
    return collected


def _retain(study: Study, collected: Collected, uses: defaultdict[str, set[str]], dry_run: bool) -> None:
    """Have a search keep what its spec says; of a dry run, the uses that it would end are added to `uses`."""
    for name, users in losing_weights(study).items():
        if size := (strippable if dry_run else strip)(study.store, name, users):
            collected.weights[name] = size
    if not dry_run:
        retain(study)
    for name, users in released(study).items():
        uses[name] |= users


def _referred(collected: Collected) -> set[str]:
    from sfcmt.tuning.mlflow_database import NoDatabaseError
    from sfcmt.tuning.mlflow_references import referred

    try:
        return referred()
    except NoDatabaseError as error:
        collected.left_out.append(f"no runs were looked at: {error}")
        return set()
