"""A study's tree."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from optuna.trial import TrialState
from rich.console import Console

from sfcmt.tuning.search.study import Study
from sfcmt.tuning.search.tree import study_tree
from sfcmt.tuning.search.verbs import study as study_verb
from tests.tuning.search.test_study import study_of


def lines(study: Study) -> list[str]:
    """The tree without its branches."""
    console = Console(width=200, force_terminal=False)
    with console.capture() as capture:
        console.print(study_tree(study))
    return [line.lstrip(" \N{BOX DRAWINGS LIGHT VERTICAL}\N{BOX DRAWINGS LIGHT UP AND RIGHT}"
                        "\N{BOX DRAWINGS LIGHT VERTICAL AND RIGHT}\N{BOX DRAWINGS LIGHT HORIZONTAL}\xa0")
            for line in capture.get().splitlines()]  # fmt: skip


def test_trials_stand_below_the_stages_that_they_share(tiny_data: Path, tmp_path: Path) -> None:
    study = study_of(tiny_data, tmp_path, scheduler={"asha": {}})
    source = {"kind": "source", "reused": True, "seconds": 40.0}
    bridges = [{"kind": "bridge", "reused": reused, "seconds": 9.0} for reused in (False, True)]
    stages = [
        {"source-1": source, "bridge-1": bridges[0], "own-0": {"kind": "transfer", "reused": True, "seconds": 2.0}},
        {"source-1": source, "bridge-2": bridges[0]},
        {"source-1": source, "bridge-1": bridges[1]},
        {},
    ]
    for number, noted in enumerate(stages):
        study.optuna.next_trial()
        study.optuna.note(number, "stages", noted)
    study.optuna.report(1, 1, 0.25)
    study.optuna.prune(1)
    study.optuna.fail(2, "the loss is NaN")
    told = lines(study)
    assert told[0] == "mine: anchor_agreement, 2 of 4 trials ended"
    assert told[1] == "source source-1: 40.0 s, reused by 3 of 3 trials"
    assert told[2] == "bridge bridge-1: 9.0 s, reused by 1 of 2 trials"
    assert told[3].startswith("trial 0  RUNNING  beta_f=")
    assert told[3].endswith("(its model was there already)")
    assert told[4].startswith("trial 2  FAIL  the loss is NaN  beta_f=")
    assert told[5] == "bridge bridge-2: 9.0 s, reused by 0 of 1 trials"
    assert told[6].startswith("trial 1  PRUNED  0.2500@1  beta_f=")
    assert told[7].startswith("trial 3  RUNNING  beta_f=")


def test_in_a_file_a_trial_has_one_line_however_long(
    tiny_data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    study = study_of(tiny_data, tmp_path)
    study.optuna.next_trial()
    study.optuna.fail(0, "no luck " * 40)
    study_verb(study.name, str(tmp_path))
    root, trial, saved = capsys.readouterr().out.splitlines()
    assert root.startswith("mine: ")
    assert ("no luck " * 40).strip() in trial
    assert saved == "Reused stages saved 0 s of training."


def test_a_tree_reads_each_trial_a_fixed_number_of_times(tiny_data: Path, tmp_path: Path) -> None:
    """Not once for each stage: stages are as many as trials."""
    reads = 0

    class Counted:
        """A trial with a stage of its own."""

        def __init__(self, number: int) -> None:
            self.number, self.state, self.intermediate_values = number, TrialState.COMPLETE, dict[int, float]()
            self.values = [0.5]

        @property
        def user_attrs(self) -> dict[str, Any]:
            nonlocal reads
            reads += 1
            return {
                "values": {},
                "stages": {f"bridge-{self.number}": {"kind": "bridge", "reused": False, "seconds": 1}},
            }

    study = study_of(tiny_data, tmp_path)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Study, "trials", [Counted(number) for number in range(100)])
        assert len(lines(study)) == 1 + 2 * 100
    assert reads <= 5 * 100
