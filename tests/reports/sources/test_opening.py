"""From folders and names to studies, and what is refused."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pyarrow as pa
import pytest

from sfcmt.errors import ConfigError
from sfcmt.reports.report import report
from sfcmt.reports.sources.ablation import AblationResults
from sfcmt.reports.sources.opening import open_studies
from sfcmt.reports.sources.runs import ReportError
from sfcmt.reports.sources.search import SearchResults
from sfcmt.tuning.ablation.results import to_bytes
from sfcmt.tuning.ablation.study import RESULTS
from sfcmt.tuning.search.optuna_study import SearchError
from tests.reports.ablations import ablation
from tests.tuning.search.test_study import study_of


@pytest.fixture
def folder(parts: AblationResults, tmp_path: Path) -> Path:
    """A copy of an ablation's, to be spoilt."""
    return Path(shutil.copytree(parts.folder, tmp_path / "parts"))


def test_a_search_by_folder_and_by_name(searched: SearchResults) -> None:
    for place in (str(searched.folder), "mine"):
        (found,) = open_studies([place], searched.store.place)
        assert isinstance(found, SearchResults)
        assert found.table.equals(searched.table)


def test_an_ablation_by_folder_and_by_name(tiny_data: Path, tmp_path: Path) -> None:
    made = ablation(tmp_path / "moved" / "studies" / "parts-0123", tiny_data, store=tmp_path / "before")
    for place, store in ((str(made.folder), "before"), ("parts", "moved"), ("parts-0123", "moved")):
        (found,) = open_studies([place], str(tmp_path / "moved"))
        assert isinstance(found, AblationResults)
        assert found.table.equals(made.table)
        assert found.store.root == tmp_path / store


def test_a_study_twice(searched: SearchResults) -> None:
    with pytest.raises(ReportError, match="named twice"):
        open_studies([str(searched.folder), "mine"], searched.store.place)


@pytest.mark.slow
def test_a_name_stands_for_all_studies_that_have_it(tiny_data: Path, tmp_path: Path) -> None:
    folders = [tmp_path / "studies" / f"parts-{digest}" for digest in ("0123", "4567")]
    for folder in folders:
        ablation(folder, tiny_data, name="parts", digest=folder.name)
    assert [one.folder for one in open_studies(["parts"], str(tmp_path))] == folders
    files = report(open_studies(["parts", str(ablation(tmp_path / "own", tiny_data).folder)], str(tmp_path)))
    assert {"figures/own-values.png", *(f"figures/{folder.name}-values.png" for folder in folders)} <= files.keys()


def test_an_unknown_name(searched: SearchResults) -> None:
    with pytest.raises(ConfigError, match=r"STUDY: 'none' is not allowed.*mine-"):
        open_studies(["none"], searched.store.place)


def test_a_search_without_a_winner(tiny_data: Path, tmp_path: Path) -> None:
    study = study_of(tiny_data, tmp_path)
    with pytest.raises(SearchError, match="no winner yet"):
        open_studies([str(study.folder)], str(tmp_path))


def test_an_ablation_without_results(folder: Path) -> None:
    (folder / RESULTS).unlink()
    with pytest.raises(ReportError, match=r"parts: has no results yet; finish it with: sfcmt ablate"):
        open_studies([str(folder)], "none")


def test_results_that_are_cut_off(folder: Path) -> None:
    content = (folder / RESULTS).read_bytes()
    (folder / RESULTS).write_bytes(content[: len(content) // 2])
    with pytest.raises(ReportError, match="not an ablation's results"):
        open_studies([str(folder)], "none")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda table: table.drop_columns(["seed"]), "columns seed are missing"),
        (lambda table: table.slice(0, 0), "no rows"),
        (lambda table: table.filter(pa.compute.invert(table["is_baseline"])), "no row is of the baseline"),
        (lambda table: pa.concat_tables([table, _of_other_data(table)]), "2 data sets in one study"),
    ],
)
def test_results_that_say_nothing(folder: Path, change: object, message: str) -> None:
    assert callable(change)
    table = pa.ipc.open_file((folder / RESULTS).read_bytes()).read_all()
    (folder / RESULTS).write_bytes(to_bytes(change(table)))
    with pytest.raises(ReportError, match=message):
        open_studies([str(folder)], "none")


def test_a_spec_that_does_not_fit(folder: Path) -> None:
    saved = json.loads((folder / "spec.json").read_text())
    saved["spec"]["design"] = "none"
    (folder / "spec.json").write_text(json.dumps(saved))
    with pytest.raises(ReportError, match="not an ablation's results"):
        open_studies([str(folder)], "none")


def _of_other_data(table: pa.Table) -> pa.Table:
    digests = pa.array(["other"] * table.num_rows)
    return table.set_column(table.column_names.index("data_digest"), "data_digest", digests)
