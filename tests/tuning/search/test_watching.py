"""What a study looks like while it runs and afterwards."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

import pytest
from rich.console import Console
from rich.table import Table

from sfcmt.callbacks import Callback, What
from sfcmt.progress.bars import ProgressBars
from sfcmt.progress.lines import LOGGER
from sfcmt.tuning.search.ray_bridge import AT, METRICS, NUMBER, OBJECTIVES, STEP, VALUES
from sfcmt.tuning.search.show import trials_table
from sfcmt.tuning.search.study import Study
from sfcmt.tuning.search.watching import watched
from tests.tuning.search.test_study import fill, study_of


def shown(table: Table) -> list[list[str]]:
    """Cells of the table's rows."""
    console = Console(width=120, force_terminal=False)
    with console.capture() as capture:
        console.print(table)
    return [line.split() for line in capture.get().splitlines() if re.match(r"\s*\d+ ", line)]


def under_way(data: Path, store: Path) -> Study:
    """One trial stopped, one half-way, one just begun."""
    study = study_of(data, store, scheduler={"asha": {}})
    for _ in range(3):
        study.optuna.next_trial()
    study.optuna.report(0, 1, 0.25)
    study.optuna.note(0, "stages", {"c0ffee": {"kind": "source", "reused": True, "seconds": 3.0}})
    study.optuna.prune(0)
    study.optuna.report(1, 1, 0.5)
    study.optuna.report(1, 2, 0.75)
    return study


def test_trials_are_shown_with_their_last_value_and_what_they_reused(tiny_data: Path, tmp_path: Path) -> None:
    study = under_way(tiny_data, tmp_path)
    rows = shown(trials_table(study, study.trials))
    assert [row[:3] for row in rows[:2]] == [["0", "PRUNED", "0.2500@1"], ["1", "RUNNING", "0.7500@2"]]
    assert rows[0][-1] == "source"
    assert rows[2][:2] == ["2", "RUNNING"]


def test_on_a_terminal_a_live_table_counts_what_has_ended(
    tiny_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "120")
    with ProgressBars() as bars, watched(under_way(tiny_data, tmp_path), bars):
        pass
    out = capsys.readouterr().err
    assert "mine: anchor_agreement" in out
    assert "no trial runs yet, 1 of 4 ended" in out
    assert "0.7500@2" in out


def test_a_live_table_shows_what_runs_however_low_the_terminal(
    tiny_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("LINES", "10")
    study = study_of(tiny_data, tmp_path)
    fill(study, [15, 30])
    with ProgressBars() as bars, watched(study, bars):
        pass
    rows = [line.split()[:2] for line in capsys.readouterr().err.splitlines() if re.match(r"\s*\d+ ", line)]
    assert rows[-1] == ["3", "FAIL"]
    assert ["0", "COMPLETE"] not in rows


class Blocks(Callback):
    """Remembers the block that it hears of."""

    def doing(self, what: What) -> AbstractContextManager[None]:
        assert callable(what)
        self.status = what
        return nullcontext()


class FakeTrial:
    """What Ray Tune tells of a trial."""

    def __init__(self, number: int) -> None:
        self.config = {NUMBER: number, VALUES: {"transfer.beta_f": 1.0}}


@pytest.fixture
def told(caplog: pytest.LogCaptureFixture) -> Callable[[], list[tuple[str, str]]]:
    """What was said since the last call, with its level."""
    caplog.set_level(logging.DEBUG, LOGGER.name)

    def since() -> list[tuple[str, str]]:
        found = [(record.levelname, record.getMessage()) for record in caplog.records]
        caplog.clear()
        return found

    return since


def test_a_trial_has_a_line_at_its_start_and_one_at_its_end(
    tiny_data: Path, tmp_path: Path, told: Callable[[], list[tuple[str, str]]]
) -> None:
    study = under_way(tiny_data, tmp_path)
    epoch = {AT: "transfer epoch 2/3", METRICS: {"transfer/features": 0.5}, STEP: 1}
    with watched(study, Callback()) as lines:
        lines.on_trial_start(0, [], FakeTrial(1))
        assert told() == [("INFO", "trial 1: started with beta_f=1")]
        lines.on_trial_result(0, [], FakeTrial(1), {AT: "source waits for the process that trains it"})
        assert told() == []
        lines.on_trial_result(0, [], FakeTrial(1), epoch)
        lines.on_trial_result(0, [], FakeTrial(1), epoch | {OBJECTIVES: [0.25]})
        assert told() == [
            ("DEBUG", "trial 1: epoch 1: transfer/features 0.500"),
            ("DEBUG", "trial 1: epoch 1: 0.2500"),
        ]
        lines.on_trial_recover(0, [], FakeTrial(1))
        assert told() == [("INFO", "trial 1: its process died; it goes on from its last epoch")]
        lines.on_trial_complete(0, [], FakeTrial(1))  # of which a full disk was the end
        assert told() == [("INFO", "trial 1: left for later: 0.7500@2 (1 of 4 ended)")]
        study.optuna.complete(1, [0.75])
        lines.on_trial_complete(0, [], FakeTrial(1))
        lines.on_trial_complete(0, [], FakeTrial(0))
        study.optuna.fail(2, "its process failed")
        lines.on_trial_error(0, [], FakeTrial(2))
        assert told() == [
            ("INFO", "trial 1: finished: 0.7500 (2 of 4 ended)"),
            ("INFO", "trial 0: stopped early: 0.2500@1 (2 of 4 ended)"),
            ("INFO", "trial 2: failed: its process failed (3 of 4 ended)"),
        ]


def test_the_status_says_what_each_trial_is_at(tiny_data: Path, tmp_path: Path) -> None:
    study, blocks = under_way(tiny_data, tmp_path), Blocks()
    with watched(study, blocks) as lines:
        assert blocks.status() == "no trial runs yet, 1 of 4 ended"
        lines.on_trial_start(0, [], FakeTrial(2))
        assert blocks.status() == "1 trial runs (2: starts), 1 of 4 ended"
        lines.on_trial_start(0, [], FakeTrial(1))
        lines.on_trial_result(0, [], FakeTrial(1), {AT: "bridge epoch 2/3"})
        lines.on_trial_result(0, [], FakeTrial(2), {AT: "source waits for the process that trains it"})
        waits = "2: source waits for the process that trains it"
        assert blocks.status() == f"2 trials run (1: bridge epoch 2/3; {waits}), 1 of 4 ended"
        for number in range(4, 14):
            lines.on_trial_start(0, [], FakeTrial(number))
        assert "12 trials run (1: bridge epoch 2/3; 2: source waits" in blocks.status()
        assert blocks.status().endswith("; 8: starts; 9: starts; 4 more), 1 of 4 ended")
        for number in range(4, 14):
            lines._at.pop(number)
        study.optuna.complete(1, [0.75])
        lines.on_trial_complete(0, [], FakeTrial(1))
        assert blocks.status() == f"1 trial runs ({waits}), 2 of 4 ended"
