"""The gap to the oracle."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sfcmt.reports.findings.across import across
from sfcmt.reports.findings.gap import gap_findings
from sfcmt.reports.report import report
from sfcmt.reports.sources.ablation import AblationResults
from sfcmt.reports.statistics.ratio import FIELLER, fieller
from sfcmt.reports.tables.across import AcrossTable
from sfcmt.reports.tables.gap import gap_table
from tests.reports.ablations import ablation
from tests.reports.pages import Page

METHODS: dict[str, Any] = {"design": "methods", "factors": {}, "methods": ["source_only", "shot"], "seeds": 3}
REACHED = {"tgkt": (0.6, 0.7, 0.8), "source_only": (0.4, 0.4, 0.5), "shot": (0.5, None, None)}
ORACLES = {"oracle_supervised": (0.8, 0.9, 1.0), "oracle_real_source": (0.7, 0.7, 0.7)}
LOW = ORACLES | {"oracle_supervised": (0.8, 0.9, 0.2)}


@pytest.fixture(scope="module")
def methods(tiny_data: Path, tmp_path_factory: pytest.TempPathFactory) -> AblationResults:
    values = {(arm, seed): value for arm, given in REACHED.items() for seed, value in enumerate(given)}
    folder = tmp_path_factory.mktemp("gap") / "methods"
    return ablation(folder, tiny_data, values=values, oracles=ORACLES, **METHODS)


def test_is_closed_by_a_ratio_of_means(methods: AblationResults) -> None:
    found = {one.name: one for one in gap_findings(methods)}
    assert list(found) == ["tgkt", "source_only", "shot", "oracle_supervised", "oracle_real_source"]
    closed = {name: one.closed for name, one in found.items() if one.closed}
    assert closed["tgkt"].value == pytest.approx((0.2 + 0.3 + 0.3) / (0.4 + 0.5 + 0.5))
    assert closed["tgkt"].seeds == (0, 1, 2)
    expected = fieller(np.array([0.2, 0.3, 0.3]), np.array([0.4, 0.5, 0.5]))
    limits = closed["tgkt"].interval
    assert limits is not None
    assert (limits.low, limits.high) == pytest.approx((expected.low, expected.high))
    assert limits.method == FIELLER
    assert (closed["source_only"].value, closed["oracle_supervised"].value) == (0, 1)
    assert "shot" not in closed
    assert found["shot"].reason == "1 seeds have a value of it, of source_only and of oracle_supervised; 2 are needed"
    assert [name for name, one in found.items() if one.is_oracle] == list(ORACLES)


def test_there_is_none_below_an_oracle_that_is_not_clearly_above(tiny_data: Path, tmp_path: Path) -> None:
    """Gaps of 40, 50 and -30 points: 20 on average, and their interval holds 0."""
    values = {(arm, seed): value for arm, given in REACHED.items() for seed, value in enumerate(given)}
    results = ablation(tmp_path / "low", tiny_data, values=values, oracles=LOW, **METHODS)
    found = gap_findings(results)
    assert [one.closed for one in found] == [None] * 5
    assert found[0].mean is not None
    reason = "oracle_supervised is not clearly above source_only: +20.0 points [-88.3, +128.3] over 3 seeds"
    assert found[0].reason == reason
    table = gap_table(results, found, "gap")
    assert [row[2].text for row in table.rows] == ["missing"] * 5
    assert table.rows[0][2].tip == reason
    assert any(f"Gap closed is missing: {reason}" in note for note in table.notes)


def test_needs_a_floor_and_a_ceiling(parts: AblationResults, tiny_data: Path, tmp_path: Path) -> None:
    assert gap_findings(parts) == []
    assert gap_findings(ablation(tmp_path / "one", tiny_data, **METHODS)) == []
    unscored = ablation(tmp_path / "two", tiny_data, oracles=ORACLES, test={"metric": "infomax"}, **METHODS)
    assert gap_findings(unscored) == []


@pytest.mark.slow
def test_is_in_the_report(methods: AblationResults) -> None:
    files = report([methods])
    table = Page(files["report.html"]).table("methods-gap")
    assert table["tgkt"]["gap closed (%) [95 %]"].text.startswith("57.1 [")
    assert "test: none" in table["tgkt"]["gap closed (%) [95 %]"].tip
    text = files["report.md"].decode()
    assert text.startswith("# methods\n\nWritten by `sfcmt report methods`")
    assert "### How much of the gap is closed" in text
    assert "Run it again" not in text  # its commands name this machine's folders


def test_oracles_stand_beside_the_methods_and_are_compared_with_none(methods: AblationResults) -> None:
    table = AcrossTable(across({"a": methods}), 0.95).table("all")
    rows = {row[0].text: row for row in table.rows}
    assert rows["oracle_supervised"][1].text == "90.0 [65.2, 100.0]"  # no share is above 1
    assert [rows[name][3].text for name in ("tgkt", "oracle_supervised")] == ["baseline", "oracle"]
