"""What a study looks like while it runs and afterwards."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from rich.console import Console
from rich.table import Table

from tests.tuning.search.test_study import fill, study_of
from tuning.search.show import TrialLines, trials_table, watched
from tuning.search.study import Study


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
    with watched(under_way(tiny_data, tmp_path)) as callbacks:
        assert callbacks == []
    out = capsys.readouterr().out
    assert "mine: anchor_agreement, 1 of 4 ended" in out
    assert "0.7500@2" in out


def test_a_live_table_shows_what_runs_however_low_the_terminal(
    tiny_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("LINES", "10")
    study = study_of(tiny_data, tmp_path)
    fill(study, [15, 30])
    with watched(study):
        pass
    rows = [line.split()[:2] for line in capsys.readouterr().out.splitlines() if re.match(r"\s*\d+ ", line)]
    assert rows[-1] == ["3", "FAIL"]
    assert ["0", "COMPLETE"] not in rows


def test_in_a_log_there_are_lines(tiny_data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with watched(study_of(tiny_data, tmp_path)) as callbacks:
        assert [type(callback) for callback in callbacks] == [TrialLines]
    assert capsys.readouterr().out == ""
