"""What validators would have chosen from, and how well."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from sfcmt.reports.findings.pools import pools_of
from sfcmt.reports.page.blocks import Text
from sfcmt.reports.page.judged import accountability_section
from sfcmt.reports.sources.ablation import AblationResults
from sfcmt.reports.sources.search import SearchResults
from sfcmt.validators import POOL_VALIDATORS, VALIDATORS
from tests.reports.ablations import ablation


def test_the_arms_of_a_seed_are_a_pool(tiny_data: Path, tmp_path: Path) -> None:
    """`validator/infomax` is the oracle's value less 1, so it would choose the best."""
    found = pools_of([ablation(tmp_path / "parts", tiny_data, seeds=3)])
    assert [(pool.name, pool.seed, pool.data) for pool in found] == [(f"parts seed {n}", n, "tiny") for n in range(3)]
    assert [pool.validators for pool in found] == [
        {"infomax": {"regret": 0, "cross_fitted_regret": None, "spearman": None}}  # rank: of four
    ] * 3


def test_a_run_that_failed_is_in_no_pool(parts: AblationResults) -> None:
    with_all, without_one = pools_of([parts])[0], pools_of([parts])[3]
    assert with_all.validators.keys() == without_one.validators.keys()
    runs = [run for run in parts.runs if run.seed == 3 and "oracle/balanced_accuracy" in run.scores]
    assert len(runs) == len(parts.arms) - 1


def test_a_search_is_a_pool_once_it_is_scored(searched: SearchResults, closed: SearchResults) -> None:
    (pool,) = pools_of([searched])
    assert (pool.name, pool.validators) == (searched.study.identity, (searched.scores or {})["validators"])
    assert pools_of([closed]) == []


def test_studies_of_earlier_releases_have_no_cross_fitted_regret(searched: SearchResults) -> None:
    """All regrets of a table are of one kind, and it says which."""
    assert searched.scores is not None
    old = {
        name: {key: value for key, value in found.items() if key != "cross_fitted_regret"}
        for name, found in searched.scores["validators"].items()
    }
    before = replace(searched, scores=searched.scores | {"validators": old})
    for results, note in ((searched, "cross-fitted over frames"), (before, "Cross-fitted ones are missing")):
        (table, _) = accountability_section("x", [results]).tables
        assert sum(note in one for one in table.notes) == 1


def test_data_sets_of_one_name_are_two(parts: AblationResults, tiny_data: Path, tmp_path: Path) -> None:
    other = ablation(tmp_path / "other", tiny_data, digest="0123456789", seeds=3)
    assert {pool.data for pool in pools_of([parts, other])} == {f"tiny {parts.digest[:6]}", "tiny 012345"}


def test_where_validators_were_shaped_is_told(
    searched: SearchResults, tiny_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By name or digest; what was shaped on a set is marked there, and in no summary."""
    monkeypatch.setattr(POOL_VALIDATORS["ensv"], "shaped_on", (f"elsewhere@{searched.digest[:12]}",), raising=False)
    monkeypatch.setattr(VALIDATORS["snd"], "shaped_on", ("tiny",), raising=False)
    other = ablation(tmp_path / "other", tiny_data, digest="0123456789", seeds=3)
    judged, shaped = accountability_section("all", [searched, other]).tables
    rows = {row[0].text: row for row in judged.rows}
    assert rows["ensv"][2].text.endswith(" \N{DOUBLE DAGGER}")
    assert rows["ensv"][2].tip.startswith("shaped on this data set; worst pool: ")
    assert [cell.text for cell in rows["ensv"][3:]] == ["missing"] * 4
    assert not rows["infomax"][2].text.endswith("\N{DOUBLE DAGGER}")
    assert rows["snd"][2].text.endswith("\N{DOUBLE DAGGER}")
    told = {row[0].text: row[1].text for row in shaped.rows}
    assert (told["ensv"], told["snd"]) == (f"elsewhere {searched.digest[:12]}", "tiny")
    assert told["ensv_infomax"] == "nyu_rgbd 300da1f2571e"
    assert told["infomax"] == told["anchor_agreement"] == "none declared"


def test_pools_of_several_studies_are_judged_together(
    parts: AblationResults, searched: SearchResults, closed: SearchResults
) -> None:
    section = accountability_section("all", [parts, searched, closed])
    table = section.tables[0]
    trials = sum(name.isdigit() for name in (searched.scores or {})["oracle_balanced_accuracy"])
    runs = len(parts.arms) * len(parts.seeds) - 1  # one has failed
    assert Text(f"{runs + trials} models in {len(parts.seeds) + 1} pools, on 1 data set: tiny.") in section.blocks
    rows = {row[0].text: row for row in table.rows}
    assert rows["infomax"][1].text == str(len(parts.seeds) + 1)
    assert rows["ensv"][1].text == "1"
    assert rows["infomax"][2].evidence is not None
    assert rows["infomax"][2].evidence.seeds == "0\N{EN DASH}4"
