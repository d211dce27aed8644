"""A user's table of labels: an image's id and the name of its class, a row each."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path

from sfcmt.errors import ConfigError, Problem
from sfcmt.listing import listed
from sfcmt.text_files import composed, read_rows

COLUMNS = ("id", "label")


def read_labels(
    path: Path, ids: Collection[str], classes: Sequence[str], an_id: str, untold: str | None = None
) -> dict[str, str | None]:
    """Class names by id. Rows with an empty label are passed over; `untold` is a label that says None.

    `an_id` says in words which `ids` are allowed. Raises `ConfigError` with all that is wrong, a problem a row, and
    `DataError` for what is no such table.
    """
    told: dict[str, str | None] = {}
    problems, seen, known = [], dict[str, str](), {composed(name): name for name in classes}
    others, allowed = (set[str](), listed(classes)) if untold is None else ({untold}, _or(classes, untold))
    for where, row in read_rows(path, COLUMNS):
        id_, label = row["id"], row["label"]
        if id_ not in ids:
            problems.append(Problem(f"{where}: id", id_, an_id))
        elif id_ in seen:
            problems.append(Problem(f"{where}: id", id_, f"an id once; it is on {seen[id_]} as well"))
        elif label and label not in known.keys() | others:
            problems.append(Problem(f"{where}: label", label, allowed))
        elif label:
            told[id_] = known.get(label)
        seen.setdefault(id_, where.removeprefix(f"{path} "))
    if problems:
        raise ConfigError(problems)
    return told


def _or(classes: Sequence[str], untold: str) -> str:
    return f"{listed(classes)}, or {untold} (cannot tell)"
