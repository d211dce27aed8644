"""Who uses which stages of a store: what nobody uses any more may be removed.

STORE/uses/KIND-IDENTITY/USER     a file of no content that counts

A user is a study (its folder's name), one trial of a search (with `.NUMBER` behind it), or `by-hand`: whoever trains or
finds a stage from the command line or from Python. A study whose folder is gone uses nothing. A stage whose users were
never noted (an earlier release trained it) counts as used by hand.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock

from sfcmt.durable import disk_errors
from sfcmt.storage import Storage

BY_HAND = "by-hand"
_DROPPED = ".dropped"
"""A file that says that there was a user."""
_USES, _STUDIES = "uses", "studies"


def trial_user(study: str, number: int) -> str:
    """What a trial of a search is called as a user; `study` is the name of the study's folder."""
    return f"{study}.{number}"


class Uses:
    """The uses of a store's stages, by the names of their folders: KIND-IDENTITY. Raises `OutageError`."""

    def __init__(self, root: Path, remote: Storage | None) -> None:
        self._root, self._remote = root, remote

    def add(self, name: str, user: str) -> None:
        """Note a use. A stage that is there already, and whose users were never noted, keeps an unknown one."""
        with self.locked():
            is_old = self.of(name) is None and any(self._exists(place, name) for place in ("stages", "partial"))
            for one in (BY_HAND, user) if is_old else (user,):
                self._write(name, one)

    def drop(self, name: str, user: str) -> None:
        """Note that a use has ended, if there was one."""
        with self.locked():
            if user in (self.of(name) or ()):
                self._write(name, _DROPPED)
                self._remove(name, user)

    def forget(self, name: str) -> None:
        """Remove all notes of a stage that is no more."""
        if self._remote:
            self._remote.remove_folder(f"{_USES}/{name}")
        else:
            for path in (self._root / _USES / name).glob("*"):
                path.unlink(missing_ok=True)

    def of(self, name: str) -> set[str] | None:
        """Users of a stage, those of studies that are gone included; None if they were never noted."""
        found = set(self._names(f"{_USES}/{name}"))
        return found - {_DROPPED} if found else None

    def all(self) -> Mapping[str, set[str]]:
        """The same of each stage whose users were ever noted."""
        uses = defaultdict[str, set[str]](set)
        for name, user in self._noted():
            uses[name] |= {user} - {_DROPPED}
        return uses

    def gone(self, users: Iterable[str]) -> set[str]:
        """Those of studies whose folders are gone."""
        there = {BY_HAND, *self._names(_STUDIES)}
        return {user for user in users if _study_of(user) not in there}

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Between a look at who uses a stage and its removal, nobody on this machine (or shared disk) notes a use."""
        path = self._root / "locks" / _USES
        with disk_errors(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            with FileLock(path):
                yield

    def _noted(self) -> Iterator[tuple[str, str]]:
        if self._remote:
            for file in self._remote.sizes(_USES):
                name, _, user = file.partition("/")
                yield name, user
        else:
            for path in (self._root / _USES).glob("*/*"):
                yield path.parent.name, path.name

    def _names(self, folder: str) -> list[str]:
        if self._remote:
            return self._remote.names(folder)
        return [path.name for path in (self._root / folder).iterdir()] if (self._root / folder).is_dir() else []

    def _exists(self, place: str, name: str) -> bool:
        return bool(self._names(f"{place}/{name}"))

    def _write(self, name: str, user: str) -> None:
        if self._remote:
            self._remote.write_now(b"\n", f"{_USES}/{name}/{user}")
        else:
            path = self._root / _USES / name / user
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch()

    def _remove(self, name: str, user: str) -> None:
        if self._remote:
            self._remote.remove(f"{_USES}/{name}/{user}")
        else:
            (self._root / _USES / name / user).unlink(missing_ok=True)


def _study_of(user: str) -> str:
    """The folder's name of the study that a user is, or is a trial of."""
    study, dot, number = user.rpartition(".")
    return study if dot and number.isdigit() else user
