"""Several studies side by side."""

from __future__ import annotations

from pathlib import Path

import pytest

from sfcmt.reports.findings.across import across
from sfcmt.reports.sources.ablation import AblationResults
from sfcmt.reports.sources.search import SearchResults
from sfcmt.reports.tables.across import AcrossTable
from tests.reports.ablations import ablation


def test_arms_are_matched_and_what_a_study_lacks_is_missing(parts: AblationResults, searched: SearchResults) -> None:
    found = across({"a": parts, "b": searched})
    assert found.column == "oracle/balanced_accuracy"
    assert set(found.values["baseline"]) == {"a"}
    assert found.values["tgkt (winner)"]["b"] == pytest.approx({0: 0.65})
    assert found.differences["tgkt (winner)"]["b"] == pytest.approx({0: 0.30})
    assert found.provenances["tgkt (winner)"]["b"].selection.startswith("ensv_infomax over")
    assert found.provenances["shot"]["b"].selection.startswith("none")
    table = AcrossTable(found, 0.95).table("all")
    winner = next(row for row in table.rows if row[0].text == "tgkt (winner)")
    assert winner[1].text == "missing"
    assert winner[2].text == "65.0 [missing]"


def test_studies_of_one_data_set_are_not_pooled(parts: AblationResults, searched: SearchResults) -> None:
    table = AcrossTable(across({"a": parts, "b": searched}), 0.95).table("all")
    assert [column.title for column in table.columns] == ["arm", "a [95 %]", "b [95 %]"]
    assert any("counted twice" in note for note in table.notes)


def test_runs_on_different_data_sets_are(parts: AblationResults, tiny_data: Path, tmp_path: Path) -> None:
    values = {("no-features", seed): 0.9 for seed in range(5)} | {("baseline", seed): 0.8 for seed in range(5)}
    other = ablation(tmp_path / "other", tiny_data, digest="other", values=values)
    found = across({"a": parts, "b": other})
    table = AcrossTable(found, 0.95).table("all")
    features = next(row for row in table.rows if row[0].text == "no-features")
    runs = sorted([*found.values["no-features"]["a"].values(), *[0.9] * 5])
    assert features[3].text.startswith(f"{100 * sum(runs[2:8]) / 6:.1f} [")
    assert features[3].evidence is not None
    assert features[3].evidence.n == "10 runs"
    assert features[3].evidence.seeds == "a: 0\N{EN DASH}4; b: 0\N{EN DASH}4"
    assert features[3].evidence.data.count(";") == 1
    differences = sorted([*found.differences["no-features"]["a"].values(), *[0.1] * 5])
    assert features[4].text.startswith(f"{100 * sum(differences[2:8]) / 6:+.1f} [")
