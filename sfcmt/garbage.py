"""What lies in a store and nobody uses any more: found, and removed.

A stage goes if its users were noted, and all of them have let go of it (see `sfcmt.uses`), if nothing that stays stands
on it, and if no living process trains it, or another stage for a user that it has had. What is removed is renamed
first: after a kill there is a whole stage, or none.
"""

from __future__ import annotations

import json
import shutil
import uuid
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from sfcmt.artifact import RECORD, REMOVED, WEIGHTS
from sfcmt.durable import disk_errors, write_durably
from sfcmt.store import Store

STAGES, PARTIAL = "stages", "partial"
_REMOVED = "removed"
"""Where local folders are while they are removed."""


@dataclass(frozen=True)
class Piece:
    """A stage, or what an interrupted training has left, that may go."""

    place: str
    """STAGES or PARTIAL."""
    name: str
    size: int
    """In bytes, of all copies at hand."""
    users: frozenset[str] = frozenset()
    """Users of it that do not count: they have let go of it, or are of studies that are gone."""

    def __str__(self) -> str:
        return f"{self.place}/{self.name}"


def garbage(
    store: Store, released: Mapping[str, Collection[str]] | None = None, referred: Collection[str] = ()
) -> list[Piece]:
    """What may go, sorted by its name.

    `released` are uses that do not count, by stage; `referred` are identities of stages that something outside of the
    store refers to. Raises `OutageError`.
    """
    places, uses = {place: _sizes(store, place) for place in (STAGES, PARTIAL)}, store.uses.all()
    gone = store.uses.gone({user for users in uses.values() for user in users})
    void = {name: users & (gone | set((released or {}).get(name, ()))) for name, users in uses.items()}
    unused = {name for name, users in uses.items() if users == void[name]}
    alive = {user for name in unused if is_held(store, name) for user in uses[name]}
    unused = {name for name in unused if not uses[name] & alive}
    stay = {name for name in places[STAGES] if name not in unused or _identity(name) in referred}
    needed = _needed(store, stay, places[STAGES]) if unused & places[STAGES].keys() else set()
    return [
        Piece(place, name, sum(sizes.values()), frozenset(void[name]))
        for place, found in places.items()
        for name, sizes in sorted(found.items())
        if name in unused and not (place == STAGES and (name in stay or _identity(name) in needed))
        if not is_held(store, name)
    ]


def remove(store: Store, pieces: Iterable[Piece]) -> Iterator[Piece]:
    """Remove what may go, one by one, unless it is used or held by now; what was removed. Raises `OutageError`."""
    with disk_errors(store.root):
        for left in (store.root / _REMOVED).glob("*"):  # by a process that was killed
            shutil.rmtree(left, ignore_errors=True)
        for piece in pieces:
            with _unheld(store, piece.name) as is_free, store.uses.locked():
                users = store.uses.of(piece.name)
                may_go = is_free and users is not None and users <= piece.users
                away = _take_away(store, piece) if may_go else None
            if away:
                shutil.rmtree(away, ignore_errors=True)
                yield piece


def strip(store: Store, name: str, users: Collection[str]) -> int:
    """Remove the weights of a trained stage that has no users but these; its outputs and its record stay.

    The bytes that this frees; 0 if it is used or held otherwise, or has no weights. Raises `OutageError`.
    """
    with disk_errors(store.root), _unheld(store, name) as is_free, store.uses.locked():
        noted, record = store.uses.of(name), _record(store, name)
        if not is_free or noted is None or not noted <= set(users) or WEIGHTS not in record.get("files", {}):
            return 0
        size = int(record["files"].pop(WEIGHTS))
        record.setdefault(REMOVED, {})[WEIGHTS] = size
        content = (json.dumps(record, indent=2) + "\n").encode()
        if store.remote:
            store.remote.write(content, f"{STAGES}/{name}/{RECORD}")
            store.remote.remove(f"{STAGES}/{name}/{WEIGHTS}")
        if (folder := store.root / STAGES / name).is_dir():
            write_durably(folder / RECORD, content)
            (folder / WEIGHTS).unlink(missing_ok=True)
        return size


def strippable(store: Store, name: str, users: Collection[str]) -> int:
    """The bytes that `strip` would free."""
    noted = store.uses.of(name)
    is_free = noted is not None and noted <= set(users) and not is_held(store, name)
    return int(_record(store, name).get("files", {}).get(WEIGHTS, 0)) if is_free else 0


def is_held(store: Store, name: str) -> bool:
    """Whether a living process of this machine, or of one that shares the disk, trains a stage."""
    if not (store.root / "locks" / name).exists():
        return False
    with _unheld(store, name) as is_free:
        return not is_free


@contextmanager
def _unheld(store: Store, name: str) -> Iterator[bool]:
    """Whether no process trains a stage; none begins to within the block."""
    path = store.root / "locks" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    lock = FileLock(path)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        yield False
        return
    try:
        yield True
    finally:
        lock.release()


def _take_away(store: Store, piece: Piece) -> Path | None:
    """Remove a piece from where it would be found; where what is left of it here is. None if there was nothing."""
    if not _exists(store, piece.place, piece.name):
        return None
    if store.remote:
        store.remote.remove(f"{piece}/{RECORD}")  # first: without it there is no stage
        store.remote.remove_folder(str(piece))
    away = store.root / _REMOVED / f"{piece.name}-{uuid.uuid4().hex}"
    if (folder := store.root / piece.place / piece.name).is_dir():
        away.parent.mkdir(parents=True, exist_ok=True)
        folder.rename(away)
    other = PARTIAL if piece.place == STAGES else STAGES
    if not _exists(store, other, piece.name):
        store.uses.forget(piece.name)
    return away


def _exists(store: Store, place: str, name: str) -> bool:
    there = bool(store.remote.names(f"{place}/{name}")) if store.remote else False
    return there or (store.root / place / name).is_dir()


def _sizes(store: Store, place: str) -> dict[str, dict[str, int]]:
    """Bytes of all files, here and on the object store, by the folders of a place."""
    found: defaultdict[str, dict[str, int]] = defaultdict(dict)
    for path in (store.root / place).glob("*/*"):
        found[path.parent.name][f"here/{path.name}"] = path.stat().st_size
    for file, size in store.remote.sizes(place).items() if store.remote else ():
        name, _, rest = file.partition("/")
        found[name][rest] = size
    return dict(found)


def _needed(store: Store, names: Iterable[str], known: Iterable[str]) -> set[str]:
    """Identities of all that these stages stand on, by their records."""
    by_identity = {_identity(name): name for name in known}
    found, left = set[str](), list(names)
    while left:
        upstream = _record(store, left.pop()).get("recipe", {}).get("upstream", {}).values()
        left += [by_identity[identity] for identity in upstream if identity in by_identity.keys() - found]
        found |= set(upstream)
    return found


def _record(store: Store, name: str) -> dict[str, Any]:
    """A stage's record; empty if it is missing or damaged."""
    path = store.root / STAGES / name / RECORD
    try:
        if path.is_file():
            return dict(json.loads(path.read_text(encoding="utf-8")))
        return dict(json.loads((store.remote.read(f"{STAGES}/{name}/{RECORD}") if store.remote else None) or b"{}"))
    except (ValueError, TypeError):
        return {}


def text_of(size: int) -> str:
    """Bytes for people."""
    return f"{size / 2**30:.1f} GiB" if size >= 2**30 else f"{size / 2**20:.1f} MiB"


def _identity(name: str) -> str:
    return name.rpartition("-")[2]
