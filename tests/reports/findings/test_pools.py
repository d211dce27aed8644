"""What validators would have chosen from, and how well."""

from __future__ import annotations

from pathlib import Path

from sfcmt.reports.findings.pools import pools_of
from sfcmt.reports.page.blocks import Text
from sfcmt.reports.page.judged import accountability_section
from sfcmt.reports.sources.ablation import AblationResults
from sfcmt.reports.sources.search import SearchResults
from tests.reports.ablations import ablation


def test_the_arms_of_a_seed_are_a_pool(tiny_data: Path, tmp_path: Path) -> None:
    """`validator/infomax` is the oracle's value less 1, so it would choose the best."""
    found = pools_of(ablation(tmp_path / "parts", tiny_data, seeds=3))
    assert [(pool.name, pool.seed) for pool in found] == [(f"parts seed {seed}", seed) for seed in range(3)]
    assert [pool.judged["validators"] for pool in found] == [
        {"infomax": {"regret": 0, "spearman": None}}
    ] * 3  # of four


def test_a_run_that_failed_is_in_no_pool(parts: AblationResults) -> None:
    with_all, without_one = pools_of(parts)[0], pools_of(parts)[3]
    assert with_all.judged.keys() == without_one.judged.keys()
    runs = [run for run in parts.runs if run.seed == 3 and "oracle/balanced_accuracy" in run.scores]
    assert len(runs) == len(parts.arms) - 1


def test_a_search_is_a_pool_once_it_is_scored(searched: SearchResults, closed: SearchResults) -> None:
    (pool,) = pools_of(searched)
    assert (pool.name, pool.judged) == (searched.study.identity, searched.scores)
    assert pools_of(closed) == []


def test_pools_of_several_studies_are_judged_together(
    parts: AblationResults, searched: SearchResults, closed: SearchResults
) -> None:
    section = accountability_section("all", [parts, searched, closed])
    (table,) = section.tables
    trials = sum(name.isdigit() for name in (searched.scores or {})["oracle_balanced_accuracy"])
    runs = len(parts.arms) * len(parts.seeds) - 1  # one has failed
    assert Text(f"{runs + trials} models in {len(parts.seeds) + 1} pools, on tiny.") in section.blocks
    rows = {row[0].text: row for row in table.rows}
    assert rows["infomax"][1].text == str(len(parts.seeds) + 1)
    assert rows["ensv"][1].text == "1"
    assert rows["infomax"][2].evidence is not None
    assert rows["infomax"][2].evidence.seeds == "0\N{EN DASH}4"
