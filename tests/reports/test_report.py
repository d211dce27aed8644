"""The report's files, and the verb that writes them."""

from __future__ import annotations

import io
from pathlib import Path

import pyarrow as pa
import pytest
from PIL import Image
from typer.testing import CliRunner

from sfcmt.cli import build_app
from sfcmt.reports.report import report, write
from sfcmt.reports.sources.ablation import AblationResults
from sfcmt.reports.sources.opening import open_studies
from sfcmt.reports.sources.search import SearchResults
from tests.reports.conftest import Files
from tests.reports.pages import Page


@pytest.mark.slow
def test_the_same_studies_give_the_same_bytes(
    all_reports: Files, parts: AblationResults, searched: SearchResults, closed: SearchResults
) -> None:
    again = report(open_studies([str(one.folder) for one in (parts, searched, closed)], "none"))
    assert again.keys() == all_reports.keys()
    assert [name for name in again if again[name] != all_reports[name]] == []


def test_what_is_in_it(all_reports: Files, crossed_report: Files) -> None:
    figures = {name for name in all_reports if name.startswith("figures/")}
    assert {
        "figures/parts-differences.png",
        "figures/parts-values.pdf",
        "figures/mine-history-anchor_agreement.png",
        "figures/mine-importance-anchor_agreement.pdf",
        "figures/mine-validators.png",
        "figures/mine-confusion.png",
    } <= figures
    assert "figures/closed-confusion.png" not in figures
    assert "figures/crossed-effects.pdf" in crossed_report
    others = {"report.html", "table.tex", "report.md", "results.arrow"}
    assert others <= {name for name in all_reports if not name.startswith(("figures/", "reproduce/"))}
    with Image.open(io.BytesIO(all_reports["figures/parts-differences.png"])) as picture:
        assert picture.info.keys() <= {"dpi"}


def test_several_studies_make_results_and_one_keeps_its_name(
    all_reports: Files, crossed_report: Files, parts: AblationResults, searched: SearchResults, closed: SearchResults
) -> None:
    title, lead = all_reports["report.md"].decode().split("\n\n")[:2]
    assert title == "# Results"
    assert f"`sfcmt report {parts.name} {searched.name} {closed.name}`" in lead
    assert crossed_report["report.md"].startswith(b"# crossed\n")


def test_the_rows_of_all_studies_are_in_one_table(
    all_reports: Files, parts: AblationResults, searched: SearchResults, closed: SearchResults
) -> None:
    table = pa.ipc.open_file(all_reports["results.arrow"]).read_all()
    assert table.num_rows == sum(one.table.num_rows for one in (parts, searched, closed))
    assert table.filter(pa.compute.equal(table["study"], searched.folder.name))["arm"].to_pylist() == list(
        searched.arms
    )
    assert table["oracle/accuracy"].null_count == 1 + 2 + closed.table.num_rows


def test_effects_of_a_factorial_design_are_tested_in_place_of_its_arms(crossed_report: Files) -> None:
    page = Page(crossed_report["report.html"])
    assert "p" not in page.table("crossed-arms")["features"]
    effect = page.table("crossed-effects")["features \N{MULTIPLICATION SIGN} self"]
    assert "test: t of ordinary least squares, seeds as blocks" in effect["p"].tip
    assert "correction: Holm over 6 tests at 0.05" in effect["p"].tip


def test_writing_leaves_nothing_half_written(tmp_path: Path) -> None:
    write({"a.txt": b"old", "figures/b.png": b"x"}, tmp_path)
    write({"a.txt": b"new"}, tmp_path)
    assert (tmp_path / "a.txt").read_bytes() == b"new"
    assert sorted(path.name for path in tmp_path.rglob("*") if path.is_file()) == ["a.txt", "b.png"]


@pytest.mark.slow
@pytest.mark.parametrize("out", [None, "elsewhere"])
def test_the_verb(crossed: AblationResults, crossed_report: Files, tmp_path: Path, out: str | None) -> None:
    folder = tmp_path / out if out else crossed.folder / "report"
    arguments = ["report", str(crossed.folder), *(["--out", str(folder)] if out else [])]
    result = CliRunner().invoke(build_app(), arguments, catch_exceptions=False)
    assert result.exit_code == 0
    assert str(folder / "report.html") in result.output
    assert {name: (folder / name).read_bytes() for name in crossed_report} == crossed_report
