"""What is told of an ablation beside its rows: what differs between its runs, and that it was extended."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pyarrow as pa
import pytest

from sfcmt.reports.report import report
from sfcmt.reports.sources.ablation import AblationResults, read_ablation
from sfcmt.tuning.ablation.results import to_bytes
from sfcmt.tuning.ablation.study import EXTENDED, RESULTS
from sfcmt.tuning.search.study_folder import read_spec
from tests.reports.pages import Page


@pytest.mark.slow
def test_runs_that_were_made_differently_are_told_under_every_table(parts: AblationResults, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(parts.folder, tmp_path / "parts"))
    rows = parts.table.num_rows
    made = [json.dumps({"torch": "2.6.0" if row else "2.13.0", "workers": 1}) for row in range(rows)]
    place = parts.table.column_names.index("made_by")
    (folder / RESULTS).write_bytes(to_bytes(parts.table.set_column(place, "made_by", pa.array(made))))
    found = read_ablation(folder, read_spec(folder))
    assert found.provenance.differs == "torch: 2.13.0, 2.6.0"
    page = Page(report([found])["report.html"])
    assert page.text.count("Its runs differ in torch: 2.13.0, 2.6.0.") == len(page.tables)
    assert found.provenance.commit == parts.provenance.commit
    assert parts.provenance.differs == "none"


def test_an_extended_one_says_so(parts: AblationResults, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(parts.folder, tmp_path / "parts"))
    (folder / EXTENDED).write_text("[2, 3]\n")
    told = "extended from 2 seeds after their results were shown, then from 3 seeds after their results were shown"
    assert told in read_ablation(folder, read_spec(folder)).provenance.selection
