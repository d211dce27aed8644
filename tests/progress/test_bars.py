"""Progress as a terminal shows it."""

from __future__ import annotations

import pytest

from sfcmt.progress.bars import ProgressBars
from sfcmt.tuning.comparison import Comparison
from tests.progress.stages import tell


@pytest.mark.parametrize("width", [80, 120])
def test_bars_cut_nothing_short(
    comparison: Comparison, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, width: int
) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    with ProgressBars() as progress:
        tell(progress, comparison)
        row = {"epoch": 2.0, "reconstruction": 2.042, "domain": 0.069, "infomax": -0.001, "perceptual": 1.5}
        progress.epoch_ended(comparison.transfers[0].upstream[0], row, lambda: None)
    error = capsys.readouterr().err
    assert "…" not in error
    assert max(map(len, error.splitlines())) <= width + 40  # what was found is named on one line, however long
    words = error.split()
    assert {"reconstruction", "2.042", "domain", "0.069", "infomax", "-0.001", "perceptual", "1.500"} <= set(words)


def test_of_what_is_done_a_line_is_left_and_of_what_failed_nothing(
    comparison: Comparison, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "120")
    first, second = comparison.transfers
    with ProgressBars() as progress:
        tell(progress, comparison)
        progress.stage_waits(first, "for a free process")
        with progress.doing("judging"):
            pass
        progress.stage_opened(second)
        progress.stage_left(second)
    *done, at_work = [line for line in capsys.readouterr().err.splitlines() if line.strip()]
    assert [line.partition(" (")[0] for line in done] == ["source", "source_only", "bn_adapt"]
    assert at_work.split()[:3] == ["source_only", "(seed", "0)"]
    assert at_work.strip().endswith("waits for a free process")
