"""The arms of an ablation whose experiment holds target images out."""

from __future__ import annotations

from dataclasses import replace

import pyarrow.compute as pc

from sfcmt.reports.findings.arms import arm_findings
from sfcmt.reports.sources.ablation import AblationResults
from sfcmt.reports.tables.arms import ArmsTable
from sfcmt.reports.tables.judging import Judging
from sfcmt.reports.tables.model import Table
from sfcmt.reports.tables.numbers import Metric


def table_of(results: AblationResults) -> Table:
    findings, metric = arm_findings(results), Metric(results.spec.test.column)
    return ArmsTable(findings, metric, results, Judging(results, findings, metric.is_oracle)).table("arms")


def test_images_that_are_held_out_have_a_column_of_their_own(parts: AblationResults) -> None:
    worse = pc.subtract(parts.table["oracle/balanced_accuracy"], 0.1)
    held_out = replace(parts, table=parts.table.append_column("oracle/held_out_balanced_accuracy", worse))
    plain, found = table_of(parts), table_of(held_out)
    assert [row[:-1] for row in found.rows] == list(plain.rows)
    assert found.columns[-1].title == "held out [95 %]"
    assert found.columns[-1].is_oracle
    for row in found.rows:
        there, here = (float(cell.text.split()[0]) for cell in (row[-1], row[3]))
        assert abs(here - there - 10) < 0.11
    assert sum("Held out: on images of frames that no arm adapted to" in note for note in found.notes) == 1
