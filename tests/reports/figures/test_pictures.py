"""Pictures of really trained models."""

from __future__ import annotations

from pathlib import Path

import pytest

from sfcmt.reports.figures.pictures import translations
from sfcmt.reports.report import report
from sfcmt.reports.sources.ablation import AblationResults
from sfcmt.reports.sources.search import SearchResults, read_search
from sfcmt.tuning.search.scoring import score_study
from tests.reports.pages import Page
from tests.reports.registry.studies import finished


@pytest.fixture(scope="module")
def trained(tiny_data: Path, tmp_path_factory: pytest.TempPathFactory) -> SearchResults:
    """A search of two trials, really trained and scored."""
    space = {"transfer.beta_f": {"choice": [1.0, 3.0]}}
    study = finished(tiny_data, tmp_path_factory.mktemp("store"), "trained", space, {"transfer": {"epochs": 1}})
    score_study(study)
    return read_search(study)


@pytest.mark.slow
def test_what_the_winners_translator_makes(trained: SearchResults) -> None:
    drawing = translations("samples", trained, trained.winner)
    assert drawing is not None
    rows = drawing.figure.axes
    assert [axes.get_ylabel() for axes in rows if axes.get_ylabel()] == ["depth", "T(depth)", "real rgb"]


@pytest.mark.slow
def test_a_report_of_them_has_all_sections(trained: SearchResults) -> None:
    files = report([trained])
    assert "figures/trained-samples.png" in files
    assert "figures/trained-confusion.pdf" in files
    page = Page(files["report.html"])
    assert set(page.table("trained-cost")) == {"bridge", "source", "transfer"}
    assert page.table("trained-cost")["source"]["reused"].text == "2"
    assert "Translated samples: missing" not in page.text
    assert "Results by class: missing" not in page.text
    assert "2 completed trials; at least 10 are needed" in page.text


def test_there_are_none_without_stages(parts: AblationResults) -> None:
    assert translations("samples", parts, parts.runs_of("baseline")[0]) is None
