"""Names of classes that come from folders and files of a user."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from sfcmt.data.scanner import HIDDEN, Scanner
from sfcmt.errors import DataError
from sfcmt.text_files import composed


def class_folders(root: Path, scanner: Scanner) -> tuple[list[Path], list[Path]]:
    """The folders of classes right in `root`, and the files there, which belong to none.

    Raises `DataError` for a link that leads to no class, and for two folders of one class.
    """
    folders, strays = scanner.listed(root)
    for path, reason in scanner.skipped.items():
        if path.parent == root and path.is_symlink() and reason != HIDDEN:
            raise DataError(f"{path}: {reason}, where a class is expected")
    _refuse_twins(folders)
    return folders, strays


def _refuse_twins(folders: Iterable[Path]) -> None:
    names: dict[str, Path] = {}
    places: dict[Path, Path] = {}
    for folder in folders:
        twin = names.setdefault(composed(folder.name).casefold(), folder)
        if twin != folder:
            how = "how accents are written" if composed(twin.name) == composed(folder.name) else "case"
            raise DataError(f"{folder}: {twin} is the same class, but for {how}; make one folder of both")
        if (same := places.setdefault(folder.resolve(), folder)) != folder:
            raise DataError(f"{folder}: {same} is the same folder, by a link; an image has one class")


def refuse_twin_names(places: Mapping[str, object]) -> None:
    """Raise `DataError` for two names, each with a place where it stands, that are one but for case."""
    names: dict[str, str] = {}
    for name, place in places.items():
        twin = names.setdefault(name.casefold(), name)
        if twin != name:
            raise DataError(f"{place}: class {name!r} is {twin!r} ({places[twin]}), but for case; give both one name")
