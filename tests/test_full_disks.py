"""A disk that is full or may not be written: one line, nothing half-written, and work goes on when there is room."""

from __future__ import annotations

import errno
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from sfcmt import durable
from sfcmt.callbacks import Callback
from sfcmt.data.dataset import Dataset
from sfcmt.data.writer import DatasetInfo, DatasetWriter
from sfcmt.durable import append_whole, disk_errors, replacing, write_durably
from sfcmt.errors import DiskError, SfcmtError
from sfcmt.local_copy import LocalCopy
from sfcmt.progress.command import command_progress
from sfcmt.storage import Storage
from sfcmt.store import Store
from sfcmt.testing.tiny import contents, get_or_train, recipe_of, tiny_experiment, write_tiny
from tests.disks import read_only, small_disk

FULL = r"No space left on device; the same command goes on when there is room$"


class FullAt:
    """Refuses the write of that number, counted from 1, and all that follow; 0 for none."""

    def __init__(self, patch: pytest.MonkeyPatch, number: int) -> None:
        self.writes, self._number, self._settle = 0, number, durable._settle
        patch.setattr(durable, "_settle", self)

    def __call__(self, path: Path) -> None:
        self.writes += 1
        if 0 < self._number <= self.writes:
            raise OSError(errno.ENOSPC, "No space left on device")
        self._settle(path)


@pytest.mark.slow
def test_a_training_goes_on_from_every_write_that_found_no_room(tiny_data: Path, tmp_path: Path) -> None:
    with pytest.MonkeyPatch.context() as patch:
        counter = FullAt(patch, 0)
        expected = contents(get_or_train("source", tiny_experiment(tiny_data, tmp_path / "undisturbed")).path)
    assert counter.writes > 8
    experiment = tiny_experiment(tiny_data, tmp_path / "store")
    recipe, failures = recipe_of("source", experiment), 0
    for number in range(1, counter.writes + 1, 3):
        with pytest.MonkeyPatch.context() as patch, suppress(DiskError):
            FullAt(patch, number)
            failures += 1
            Store(tmp_path / "store").get_or_train(recipe, experiment.runtime, Callback())
            failures -= 1
            break  # it has gone on from the writes before, of which fewer were left
        assert not list(tmp_path.rglob("*.tmp"))
    assert failures >= 2
    assert contents(Store(tmp_path / "store").get_or_train(recipe, experiment.runtime, Callback()).path) == expected


def save_weights(path: Path) -> None:
    with replacing(path) as temporary:
        save_file({"x": torch.zeros(100_000)}, temporary)


@pytest.mark.parametrize(
    "write", [save_weights, lambda path: write_durably(path, bytes(400_000))], ids=["weights", "bytes"]
)
def test_a_full_disk_leaves_what_was_there(tmp_path: Path, write: Callable[[Path], None]) -> None:
    with small_disk(tmp_path / "disk", 100) as disk:
        (disk / "file").write_bytes(b"before")
        with pytest.raises(DiskError, match=FULL):
            write(disk / "file")
        assert {path.name: path.read_bytes() for path in disk.iterdir()} == {"file": b"before"}


def test_lines_are_appended_whole_or_not_at_all(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", 100) as disk:
        append_whole(disk / "log", b"first\n")
        with pytest.raises(DiskError, match=FULL):
            append_whole(disk / "log", b"x" * 200_000 + b"\n")
        assert (disk / "log").read_bytes() == b"first\n"
        (disk / "log").write_bytes(b"first\nhal")  # of a process that was killed
        append_whole(disk / "log", b"second\n")
        assert (disk / "log").read_bytes() == b"first\nhal\nsecond\n"


def write_big(folder: Path) -> None:
    info = DatasetInfo("big", "rgb", "depth", ("a", "b"), {})
    noise = np.random.default_rng(0)
    with DatasetWriter(folder, info) as writer:
        for number in range(600):
            pixels = noise.integers(0, 255, (3, 32, 32), dtype=np.uint8)
            writer.add_pair(pixels, pixels[:1], str(number), f"image {number}")


def test_an_import_that_finds_no_room_leaves_nothing(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", 300) as disk:
        with pytest.raises(DiskError, match=FULL):
            write_big(disk / "data")
        assert list(disk.iterdir()) == []
        write_tiny(tmp_path / "other")
    assert Dataset(tmp_path / "other").manifest.files


def test_a_store_that_may_not_be_written_is_one_line_and_what_it_has_is_found(tiny_data: Path, tmp_path: Path) -> None:
    experiment = tiny_experiment(tiny_data, tmp_path)
    get_or_train("source", experiment)
    with read_only(tmp_path):
        assert get_or_train("source", experiment).reused
        with pytest.raises(DiskError, match=r"^/.*: Read-only file system; it must be a place that can be written$"):
            get_or_train("bridge", experiment)
    assert not get_or_train("bridge", experiment).reused


def test_a_store_that_is_a_file_is_one_line(tiny_data: Path, tmp_path: Path) -> None:
    (tmp_path / "store").write_text("not a folder")
    with pytest.raises(DiskError, match=r"store/.*: (Not a directory|File exists)"):
        get_or_train("source", tiny_experiment(tiny_data, tmp_path / "store"))


def test_a_log_that_finds_no_room_ends_and_the_work_does_not(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with small_disk(tmp_path / "disk", 40) as disk:
        with command_progress("run-x", "A plan.", str(disk), verbose=False) as progress:
            for _ in range(100):
                progress.say("x" * 1000)
        said = capsys.readouterr().err
    assert said.count("No space left on device; this log ends here") == 1
    assert "Traceback" not in said
    assert said.count("x" * 1000) == 100


def test_other_errors_pass() -> None:
    for error in (FileNotFoundError(2, "x"), ValueError("x"), OSError("x"), BrokenPipeError(32, "x")):
        with pytest.raises(type(error)) as caught, disk_errors("place"):
            raise error
        assert caught.value is error


class TestRecordsComeLast:
    """What has a record is whole: so a record is published when all else is, and never when something could not be."""

    @pytest.fixture
    def remote(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Storage:
        monkeypatch.setattr("sfcmt.storage._PATIENCE", 0.0)
        for name in ("stages", "partial"):  # an object store has no folders
            (tmp_path / "remote" / name / "source-1").mkdir(parents=True)
        return Storage((tmp_path / "remote").as_uri())

    @pytest.fixture
    def copy(self, tmp_path: Path, remote: Storage) -> LocalCopy:
        """With a training whose last file cannot be read."""
        folder = tmp_path / "here" / "partial" / "source-1"
        folder.mkdir(parents=True)
        for name in ("artifact.json", "result.json", "curves.json", "checkpoint.safetensors"):
            (folder / name).write_text(name)
        (folder / "weights.safetensors").symlink_to("nowhere")
        return LocalCopy(tmp_path / "here", remote)

    def test_of_a_stage(self, copy: LocalCopy, remote: Storage, tmp_path: Path) -> None:
        with pytest.raises(SfcmtError):
            copy.finish("source-1")
        assert "artifact.json" not in remote.names("stages/source-1")
        assert not (tmp_path / "here" / "stages").exists()
        (tmp_path / "here" / "partial" / "source-1" / "weights.safetensors").unlink()
        copy.finish("source-1")
        written = {path.name: path.stat().st_mtime_ns for path in (tmp_path / "remote/stages/source-1").iterdir()}
        assert written["artifact.json"] == max(written.values())
        assert len(written) == 4

    def test_of_what_is_handed_over(self, copy: LocalCopy, remote: Storage) -> None:
        with pytest.raises(SfcmtError):
            copy.hand_over("source-1")
        assert "result.json" not in remote.names("partial/source-1")
