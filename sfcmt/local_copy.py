"""How a machine shares a store's folders with others: not at all where all see the same folder, or by copies.

On an object store a stage's checkpoint is uploaded after each epoch, so that a machine that is lost costs at most one
epoch, and an artifact once it is complete, its record last: what has a record is whole.
"""

from __future__ import annotations

import json
import shutil
import tempfile
from pathlib import Path

from filelock import FileLock

from sfcmt.artifact import CHECKPOINT, RECORD, REMOVED, RESULT
from sfcmt.durable import disk_errors, rename_durably, write_durably
from sfcmt.storage import Storage


class SharedFolder:
    """A store that is a folder: there is nothing to fetch and nothing to upload. Names are KIND-IDENTITY."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def check(self) -> None:
        """Raise `OutageError` if the store cannot be written."""
        place = self._root / "partial"
        with disk_errors(place):
            place.mkdir(parents=True, exist_ok=True)
            tempfile.TemporaryFile(dir=place).close()

    def place(self, name: str) -> str:
        """What a stage's folder is called in messages."""
        return str(self._stage(name))

    def fetch_stage(self, name: str) -> None:
        """Have the stage in this folder if there is one anywhere."""

    def fetch_partial(self, name: str) -> None:
        """Have what was last uploaded of a training."""

    def upload_checkpoint(self, name: str) -> None:
        """Upload the checkpoint of a training that goes on here."""

    def hand_over(self, name: str) -> None:
        """Upload the files of a training that has ended on a machine other than the one that waits for it."""

    def finish(self, name: str) -> None:
        """Make the folder of a training, now complete, the stage's; of one that is there, the files that it lacks."""
        if is_stripped(self._stage(name)):
            _restore(self._partial(name), self._stage(name))
            return
        self._stage(name).parent.mkdir(parents=True, exist_ok=True)
        rename_durably(self._partial(name), self._stage(name))

    def _stage(self, name: str) -> Path:
        return self._root / "stages" / name

    def _partial(self, name: str) -> Path:
        return self._root / "partial" / name


class LocalCopy(SharedFolder):
    """This machine's copy of an object store. It may be removed whenever nothing trains."""

    def __init__(self, root: Path, remote: Storage) -> None:
        super().__init__(root)
        self._remote = remote

    def check(self) -> None:
        """Write to the object store, and here."""
        self._remote.check()
        super().check()

    def place(self, name: str) -> str:
        """Where it was published, and where it is here."""
        return f"{self._remote.place(f'stages/{name}')} and its copy {self._stage(name)}"

    def fetch_stage(self, name: str) -> None:
        """Fetch the stage unless it is here; one process of this machine does.

        One whose weights were removed is fetched again if it has got them back.
        """
        published = self._remote.read(f"stages/{name}/{RECORD}")
        if published is None or (self._stage(name).is_dir() and REMOVED in json.loads(published)):
            return
        with self._settling(name):
            if is_stripped(self._stage(name)):
                shutil.rmtree(self._stage(name))
            self._fetch(name)

    def fetch_partial(self, name: str) -> None:
        """Fetch the checkpoint, and what was handed over."""
        for file in self._remote.names(f"partial/{name}"):
            self._remote.get(f"partial/{name}/{file}", self._partial(name) / file)

    def upload_checkpoint(self, name: str) -> None:
        """Replace the one before."""
        self._remote.put(self._partial(name) / CHECKPOINT, f"partial/{name}/{CHECKPOINT}")

    def hand_over(self, name: str) -> None:
        """Upload all files but the checkpoint, which is there, and the result last."""
        (self._partial(name) / CHECKPOINT).unlink(missing_ok=True)
        self._remote.put_folder(self._partial(name), f"partial/{name}", last=RESULT)

    def finish(self, name: str) -> None:
        """Publish the stage. If another machine has done so, which took this one for dead, its files count."""
        with self._settling(name):
            published = self._remote.read(f"stages/{name}/{RECORD}")
            removed = json.loads(published).get(REMOVED) if published else None
            if removed:
                self._fetch(name)
                super().finish(name)
                for file in (*removed, RECORD):
                    self._remote.put(self._stage(name) / file, f"stages/{name}/{file}")
            elif not published and self._remote.put_new_folder(self._partial(name), f"stages/{name}", last=RECORD):
                super().finish(name)
            else:
                shutil.rmtree(self._partial(name))
                self._fetch(name)
        self._remote.remove_folder(f"partial/{name}")

    def _fetch(self, name: str) -> None:
        if not self._stage(name).is_dir():
            fetched = self._root / "fetched" / name
            self._remote.get_folder(f"stages/{name}", fetched)
            self._stage(name).parent.mkdir(parents=True, exist_ok=True)
            fetched.rename(self._stage(name))

    def _settling(self, name: str) -> FileLock:
        lock = self._root / "locks" / f"{name}.settling"
        lock.parent.mkdir(parents=True, exist_ok=True)
        return FileLock(lock)


def is_stripped(stage: Path) -> bool:
    """Whether a stage is there, and its weights were removed."""
    try:
        return bool(json.loads((stage / RECORD).read_text(encoding="utf-8")).get(REMOVED))
    except (OSError, ValueError, AttributeError):  # missing or damaged, which others tell
        return False


def _restore(trained: Path, stage: Path) -> None:
    """Give a stage that was trained again the files that it lacks; what it says of itself stays as others know it."""
    record = json.loads((stage / RECORD).read_text(encoding="utf-8"))
    for name in record.pop(REMOVED):
        rename_durably(trained / name, stage / name)
        record["files"][name] = (stage / name).stat().st_size
    write_durably(stage / RECORD, (json.dumps(record, indent=2) + "\n").encode())
    shutil.rmtree(trained)
