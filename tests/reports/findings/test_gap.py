"""The gap to the oracle."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from sfcmt.reports.findings.across import across
from sfcmt.reports.findings.gap import gap_findings
from sfcmt.reports.report import report
from sfcmt.reports.sources.ablation import AblationResults
from sfcmt.reports.tables.across import AcrossTable
from tests.reports.ablations import ablation
from tests.reports.pages import Page

METHODS: dict[str, Any] = {"design": "methods", "factors": {}, "methods": ["source_only", "shot"], "seeds": 3}
REACHED = {"tgkt": (0.6, 0.7, 0.8), "source_only": (0.4, 0.4, 0.5), "shot": (0.5, 0.3, None)}
ORACLES = {"oracle_supervised": (0.8, 0.9, 0.5), "oracle_real_source": (0.7, 0.7, 0.7)}


@pytest.fixture(scope="module")
def methods(tiny_data: Path, tmp_path_factory: pytest.TempPathFactory) -> AblationResults:
    values = {(arm, seed): value for arm, given in REACHED.items() for seed, value in enumerate(given)}
    folder = tmp_path_factory.mktemp("gap") / "methods"
    return ablation(folder, tiny_data, values=values, oracles=ORACLES, **METHODS)


def test_is_closed_by_a_share_of_it_seed_by_seed(methods: AblationResults) -> None:
    found = {one.name: one for one in gap_findings(methods)}
    assert list(found) == ["tgkt", "source_only", "shot", "oracle_supervised", "oracle_real_source"]
    closed = {name: one.closed for name, one in found.items() if one.closed}
    assert closed["tgkt"].value == pytest.approx((0.2 / 0.4 + 0.3 / 0.5) / 2)
    assert closed["tgkt"].seeds == (0, 1)  # the oracle of seed 2 is no better than the floor
    assert closed["shot"].value == pytest.approx((0.1 / 0.4 - 0.1 / 0.5) / 2)
    assert (closed["source_only"].value, closed["oracle_supervised"].value) == (0, 1)
    assert [name for name, one in found.items() if one.is_oracle] == list(ORACLES)


def test_needs_a_floor_and_a_ceiling(parts: AblationResults, tiny_data: Path, tmp_path: Path) -> None:
    assert gap_findings(parts) == []
    assert gap_findings(ablation(tmp_path / "one", tiny_data, **METHODS)) == []
    unscored = ablation(tmp_path / "two", tiny_data, oracles=ORACLES, test={"metric": "infomax"}, **METHODS)
    assert gap_findings(unscored) == []


def test_is_in_the_report(methods: AblationResults) -> None:
    files = report([methods])
    table = Page(files["report.html"]).table("methods-gap")
    assert table["tgkt"]["gap closed (%) [95 %]"].text.startswith("55.0 [")
    assert "test: none" in table["tgkt"]["gap closed (%) [95 %]"].tip
    text = files["report.md"].decode()
    assert text.startswith("# methods\n\nWritten by `sfcmt report methods`")
    assert "### How much of the gap is closed" in text
    assert "Run it again" not in text  # its commands name this machine's folders


def test_oracles_stand_beside_the_methods_and_are_compared_with_none(methods: AblationResults) -> None:
    table = AcrossTable(across({"a": methods}), 0.95).table("all")
    rows = {row[0].text: row for row in table.rows}
    assert rows["oracle_supervised"][1].text.startswith("73.3 [")
    assert [rows[name][3].text for name in ("tgkt", "oracle_supervised")] == ["baseline", "oracle"]
