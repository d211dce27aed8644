"""What a command says, where, and what its log file keeps."""

from __future__ import annotations

import logging
import sys
from pathlib import Path

import pytest

from sfcmt.progress.bars import ProgressBars
from sfcmt.progress.command import command_progress
from sfcmt.progress.lines import LOGGER, ProgressLines
from sfcmt.tuning.comparison import Comparison
from tests.progress.stages import tell

EPOCHS = [f"source (seed 0): epoch {one}/2: cross_entropy {0.5 / one:.3f}" for one in (1, 2)]


def untimed(file: Path) -> list[str]:
    """Lines of a log less the date, the time and the comma in it."""
    return [line.split(" ", 2)[2] for line in file.read_text().splitlines()]


@pytest.mark.parametrize("verbose", [False, True])
def test_epochs_are_shown_on_demand_and_kept_in_any_case(
    comparison: Comparison, tmp_path: Path, capsys: pytest.CaptureFixture[str], verbose: bool
) -> None:
    with command_progress("run-mine", "Run mine.", str(tmp_path), verbose) as progress:
        assert type(progress) is ProgressLines
        tell(progress, comparison)
    out, error = capsys.readouterr()
    assert out == ""
    file = tmp_path / "log" / "run-mine.log"
    shown, kept = error.splitlines(), untimed(file)
    assert shown[:2] == kept[:2] == ["Run mine.", f"Log of all epochs: {file}"]
    assert kept[2:4] == EPOCHS
    assert shown[2:] == kept[2 if verbose else 4 :]
    assert len(shown) == (7 if verbose else 5)


def test_a_log_goes_on_and_the_logger_is_left_as_it_was(tmp_path: Path) -> None:
    before = LOGGER.level, LOGGER.propagate, list(LOGGER.handlers)
    for plan in ("first", "second"):
        with command_progress("run-mine", plan, str(tmp_path), verbose=False):
            logging.getLogger("sfcmt").debug(f"{plan} epoch")
    assert (LOGGER.level, LOGGER.propagate, list(LOGGER.handlers)) == before
    kept = untimed(tmp_path / "log" / "run-mine.log")
    assert [kept[0], kept[2], kept[3], kept[5]] == ["first", "first epoch", "second", "second epoch"]


def test_the_log_of_an_object_store_is_in_this_machines_copy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SFCMT_CACHE", str(tmp_path))
    with command_progress("run-mine", "plan", "s3://bucket/store", verbose=False):
        pass
    (file,) = tmp_path.glob("*/log/run-mine.log")
    assert untimed(file) == ["plan", f"Log of all epochs: {file}"]


@pytest.mark.parametrize("verbose", [False, True])
def test_on_a_terminal_there_are_bars_unless_lines_are_asked_for(
    comparison: Comparison,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    verbose: bool,
) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    monkeypatch.setenv("COLUMNS", "150")
    with command_progress("run-mine", "Run mine.", str(tmp_path), verbose) as progress:
        assert isinstance(progress, ProgressBars) is not verbose
        tell(progress, comparison)
    error = capsys.readouterr().err
    assert "Run mine." in error
    assert (EPOCHS[0] in error) is verbose
    assert "source (seed 0): found, not trained again" in error
    assert untimed(tmp_path / "log" / "run-mine.log")[2:4] == EPOCHS
