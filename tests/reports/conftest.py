"""Studies of hand-written results, and their reports, made once for all tests of reports."""

from __future__ import annotations

from pathlib import Path

import pytest

from sfcmt.reports.report import report
from sfcmt.reports.sources.ablation import AblationResults
from sfcmt.reports.sources.search import SearchResults, read_search
from tests.reports.ablations import ablation
from tests.reports.searches import search

Files = dict[str, bytes]
COMMIT = "0123456789abcdef0123456789abcdef01234567"


@pytest.fixture(scope="session")
def parts(tiny_data: Path, tmp_path_factory: pytest.TempPathFactory) -> AblationResults:
    """Leave one out; one run has failed."""
    folder = tmp_path_factory.mktemp("ablation") / "parts"
    return ablation(folder, tiny_data, values={("no-self", 3): None}, commit=COMMIT)


@pytest.fixture(scope="session")
def crossed(tiny_data: Path, tmp_path_factory: pytest.TempPathFactory) -> AblationResults:
    """A factorial design."""
    return ablation(tmp_path_factory.mktemp("ablation") / "crossed", tiny_data, design="factorial", seeds=4)


@pytest.fixture(scope="session")
def searched(tiny_data: Path, tmp_path_factory: pytest.TempPathFactory) -> SearchResults:
    """A search that has been scored."""
    return read_search(search(tiny_data, tmp_path_factory.mktemp("store")))


@pytest.fixture(scope="session")
def closed(tiny_data: Path, tmp_path_factory: pytest.TempPathFactory) -> SearchResults:
    """A search whose labels are closed."""
    return read_search(search(tiny_data, tmp_path_factory.mktemp("store"), "closed", scored=False))


@pytest.fixture(scope="session")
def crossed_report(crossed: AblationResults) -> Files:
    """Of the factorial design."""
    return report([crossed])


@pytest.fixture(scope="session")
def all_reports(parts: AblationResults, searched: SearchResults, closed: SearchResults) -> Files:
    """Of three studies in one page."""
    return report([parts, searched, closed])
