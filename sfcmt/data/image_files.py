"""Folders of image files, and two of them whose files are pairs by their names."""

from __future__ import annotations

from pathlib import Path

from sfcmt.errors import DataError

_SUFFIXES = {".png", ".jpg", ".jpeg", ".tif", ".tiff", ".npy"}


def image_files(folder: Path) -> list[Path]:
    """All image files below a folder, sorted."""
    return sorted(path for path in folder.rglob("*") if path.suffix.lower() in _SUFFIXES)


def pairs_by_name(first: Path, second: Path) -> dict[str, tuple[Path, Path]]:
    """The files of two folders that have one name, extensions apart, by that name: their path below the folder.

    Raises `DataError` for a file that has no partner, or two.
    """
    names, partners = _by_name(first), _by_name(second)
    alone = sorted(names.keys() ^ partners.keys())
    if alone:
        there, missing = (first, second) if alone[0] in names else (second, first)
        raise DataError(f"{there / alone[0]}: its partner in {missing} is missing")
    return {name: (names[name], partners[name]) for name in names}


def _by_name(folder: Path) -> dict[str, Path]:
    files: dict[str, Path] = {}
    for file in image_files(folder):
        name = file.relative_to(folder).with_suffix("").as_posix()
        if files.setdefault(name, file) != file:
            raise DataError(f"{file}: {files[name].name} beside it has the same name")
    return files
