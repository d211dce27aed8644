"""Accuracy class by class, of a few classes and of very many."""

from __future__ import annotations

import torch

from sfcmt.reports.findings.classes import ClassFinding
from sfcmt.reports.sources.evidence import Provenance
from sfcmt.reports.tables.classes import classes_table
from sfcmt.reports.tables.model import Table


def table_of(classes: int, shown: str) -> Table:
    """The arm `up` finds `place` of 1000 images of the class there, `down` all others; of the last there are none."""
    confusion_KK = torch.zeros(classes, classes)
    shares = [place / 1000 for place in range(classes - 1)]
    images = (*[1000] * (classes - 1), 0)
    found = [
        ClassFinding(arm, confusion_KK, (*({0: share} for share in own), {}), images)
        for arm, own in (("up", shares), ("down", [1 - share for share in shares]))
    ]
    names = [f"class {place}" for place in range(classes)]
    return classes_table(names, found, shown, Provenance("none", "missing", "tiny 01ab"), 0.95, "by-class")


def rows_of(table: Table) -> list[str]:
    return [row[0].text for row in table.rows]


def test_a_row_for_each_of_a_few_classes() -> None:
    table = table_of(40, "down")
    assert rows_of(table) == [f"class {place}" for place in range(40)]
    assert [cell.text for cell in table.rows[3]] == ["class 3", "1000", "0.3", "99.7"]
    assert not any("of 40 classes" in note for note in table.notes)


def test_of_a_thousand_classes_those_that_the_arm_finds_least_of() -> None:
    table = table_of(1000, "down")
    assert rows_of(table) == [f"class {place}" for place in range(998, 958, -1)]
    assert any("40 of 1000 classes of which down finds the smallest share" in note for note in table.notes)
    assert rows_of(table_of(1000, "not at hand")) == [f"class {place}" for place in range(40)]
