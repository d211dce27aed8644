"""Two folders whose files are pairs by their names."""

from __future__ import annotations

from pathlib import Path

from sfcmt.data.scanner import Scanner
from sfcmt.errors import DataError
from sfcmt.text_files import composed


def pairs_by_name(first: Path, second: Path, scanner: Scanner) -> dict[str, tuple[Path, Path]]:
    """The files of two folders that have one name, extensions apart, by that name: their path below the folder.

    Names are the same in whatever form their accents are written. Raises `DataError` for a file that has no partner,
    or two.
    """
    names, partners = _by_name(first, scanner), _by_name(second, scanner)
    alone = sorted(names.keys() ^ partners.keys())
    if alone:
        there, missing = (first, second) if alone[0] in names else (second, first)
        raise DataError(f"{there / alone[0]}: its partner in {missing} is missing{scanner.skipped_in(missing)}")
    return {name: (names[name], partners[name]) for name in names}


def _by_name(folder: Path, scanner: Scanner) -> dict[str, Path]:
    files: dict[str, Path] = {}
    for file in scanner.images(folder):
        name = composed(file.relative_to(folder).with_suffix("").as_posix())
        if files.setdefault(name, file) != file:
            raise DataError(f"{file}: {files[name].name} beside it has the same name")
    return files
