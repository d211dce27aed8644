"""Finding files below a folder: links are followed, the system's own files ignored, and what is left out is told."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from pathlib import Path

from sfcmt.data.image_files import readable_suffixes
from sfcmt.errors import DataError
from sfcmt.text_files import is_text, printable

HIDDEN = "hidden, or kept by the system"
"""Why a file is ignored, which is no mistake of anybody's."""
_SYSTEM = {
    "__macosx",
    "__pycache__",
    "thumbs.db",
    "ehthumbs.db",
    "desktop.ini",
    "@eadir",
    "#recycle",
    "$recycle.bin",
    "system volume information",
    "lost+found",
}
_NAMED = 3


class Scanner:
    """Lists folders, and remembers what it leaves out and why: `skipped`. With `strict`, that is an error.

    Raises `DataError` where a folder is none or cannot be opened, and for names that are not UTF-8.
    """

    def __init__(self, strict: bool = False) -> None:
        self._strict = strict
        self.skipped: dict[Path, str] = {}

    def skip(self, path: Path, reason: str) -> None:
        """Leave a file or folder out."""
        if self._strict and reason != HIDDEN:
            raise DataError(f"{printable(path)}: would be skipped: {reason}")
        self.skipped[path] = reason

    def skip_image(self, where: str, reason: str) -> None:
        """Leave an image out whose file was taken and cannot be read."""
        self.skip(Path(where), reason)

    def images(self, folder: Path) -> list[Path]:
        """All files below a folder, at any depth, that can be read as images; sorted."""
        return self.readable(self.files(folder))

    def readable(self, files: Iterable[Path]) -> list[Path]:
        """Those that can be read as images, by their suffixes."""
        found = []
        for file in files:
            if file.suffix.lower() in readable_suffixes():
                found.append(file)
            else:
                self.skip(file, f"{file.suffix or 'no suffix'}: no format of images that is read here")
        return found

    def files(self, folder: Path) -> list[Path]:
        """All regular files below a folder, at any depth, sorted."""
        return sorted(self._below(folder))

    def _below(self, folder: Path) -> Iterator[Path]:
        folders, files = self.listed(folder)
        yield from files
        for one in folders:
            yield from self._below(one)

    def listed(self, folder: Path) -> tuple[list[Path], list[Path]]:
        """The folders and the regular files right in a folder, each sorted."""
        try:
            paths = sorted(folder.iterdir())
        except OSError as error:
            raise DataError(f"{printable(folder)}: a folder is needed here ({error.strerror})") from error
        folders: list[Path] = []
        files: list[Path] = []
        for path in paths:
            if _is_hidden(path.name):
                self.skip(path, HIDDEN)
            elif not is_text(path.name):
                raise DataError(f"{printable(path)}: its name is not UTF-8; rename it (for instance with convmv)")
            elif path.is_dir():
                self._take_folder(path, folders)
            elif path.is_file():
                files.append(path)
            else:
                self.skip(path, "a link to nothing" if path.is_symlink() else "no regular file")
        return folders, files

    def _take_folder(self, path: Path, folders: list[Path]) -> None:
        if path.is_symlink() and _leads_back(path):
            self.skip(path, "a link to a folder that it lies in")
        else:
            folders.append(path)

    def report(self, root: Path) -> list[str]:
        """A line for each reason: how many were skipped, and the first of them, below `root`."""
        reasons: dict[str, list[Path]] = {}
        for path, reason in self.skipped.items():
            reasons.setdefault(reason, []).append(path)
        return [f"skipped {len(paths)}: {reason}: {_first(paths, root)}" for reason, paths in reasons.items()]

    def skipped_in(self, folder: Path) -> str:
        """What was skipped below a folder, in brackets; nothing if nothing was."""
        own = [path for path in self.skipped if path.is_relative_to(folder) and path != folder]
        return f" ({len(own)} skipped: {_first(own, folder)}: {self.skipped[own[0]]})" if own else ""


def files_at(path: Path) -> list[Path]:
    """The images below a folder, with a warning of what is left out there; or the one file."""
    if not path.is_dir():
        return [path]
    scanner = Scanner()
    found = scanner.images(path)
    for line in scanner.report(path):
        logging.getLogger("sfcmt").warning("%s: %s", path, line)
    return found


def _first(paths: list[Path], root: Path) -> str:
    names = ", ".join(
        printable(path.relative_to(root) if path.is_relative_to(root) else path) for path in paths[:_NAMED]
    )
    return names + (f" and {len(paths) - _NAMED} more" if len(paths) > _NAMED else "")


def _is_hidden(name: str) -> bool:
    return name.startswith(".") or name.lower() in _SYSTEM


def _leads_back(link: Path) -> bool:
    """Whether a link leads to a folder on the way to it, by which one would come to it again."""
    real = link.resolve()
    return any(folder.resolve().is_relative_to(real) for folder in link.parents)
