"""A search as runs."""

from __future__ import annotations

import pytest

from reports.sources.search import SearchResults
from tests.reports.searches import RIGHTS


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
