"""A search as runs."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from sfcmt.commit import code_version
from sfcmt.reports.sources.reproduction import reproduction_of
from sfcmt.reports.sources.search import SearchResults, read_search
from sfcmt.tuning.search.study_folder import DISTILLED
from tests.reports.searches import RIGHTS, search


def test_a_row_for_each_anchor_and_each_trial(searched: SearchResults) -> None:
    assert searched.arms == ("source_only", "shot", *(f"trial {number}" for number in range(13)))
    assert [run.arm for run in searched.runs if run.is_baseline] == ["source_only"]
    scores = [run.scores.get("oracle/balanced_accuracy") for run in searched.runs[2:]]
    assert scores[:-2] == pytest.approx([right / 60 for right in RIGHTS])
    assert scores[-2:] == [None, None]
    stopped, failed = searched.runs[-2:]
    assert stopped.transfer is failed.transfer is None
    assert stopped.scores == failed.scores == {}


def test_scores_and_costs_of_a_trial(searched: SearchResults) -> None:
    run = searched.runs_of("trial 3")[0]
    assert (run.seconds, run.reused, run.seed) == (7.5, True, 0)
    assert run.scores["validator/infomax"] == -1.5 + 54 / 60
    assert run.scores["validator/ensv_infomax"] == searched.selection["scores"]["3"]
    assert set(run.factors) == {"transfer.beta_f", "transfer.beta_kl"}


def test_the_winner_is_the_selections(searched: SearchResults) -> None:
    assert searched.winner.arm == f"trial {searched.selection['winner']}"
    assert searched.pick.selection == "ensv_infomax over 13 models, without labels"


def test_labels_stay_closed_until_the_study_is_scored(searched: SearchResults, closed: SearchResults) -> None:
    assert searched.is_scored
    assert searched.labels is not None
    assert not closed.is_scored
    assert closed.labels is None


@pytest.mark.parametrize(("commit", "told"), [(code_version(), ""), ("0" * 40, f", distilled at {'0' * 40}")])
def test_what_was_distilled_is_a_row_and_tells_its_own_code(
    tiny_data: Path, tmp_path: Path, commit: str, told: str
) -> None:
    study = search(tiny_data, tmp_path)
    winner = study.selection()["transfer"]
    made = {"transfer": winner, "trials": [0, 1], "validators": {"infomax": 0.5}, "commit": commit}
    (study.folder / DISTILLED).write_text(json.dumps(made))
    results = read_search(study)
    (row,) = results.runs_of("distilled")
    assert (row.transfer, row.scores["validator/infomax"]) == (winner, 0.5)
    assert results.provenance.commit == code_version() + told
    verbs = [command.split()[1] for command in reproduction_of(results).commands[2:]]
    assert verbs == ["tune", "distill", "score", "report"]
