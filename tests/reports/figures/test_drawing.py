"""One drawing in three formats."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest

from sfcmt.reports.figures.bars import Bar, bars
from sfcmt.reports.figures.drawing import INK, Drawing
from sfcmt.reports.figures.forest import ForestRow, forest
from sfcmt.reports.statistics.interval import Interval

_TITLE = "{http://www.w3.org/2000/svg}title"


@pytest.fixture
def drawing() -> Drawing:
    rows = [
        ForestRow("<a> & b", -0.02, Interval(-0.03, -0.01, 0.95, "t"), (-0.02, -0.025), True, 'a "tip" & <more>\nn: 5'),
        ForestRow("single", 0.01, None, (0.01,), False, "n: 1"),
    ]
    return forest("one", "A forest.", rows, "difference (%)", 100)


@pytest.mark.slow
def test_the_same_bytes_each_time(drawing: Drawing) -> None:
    assert drawing.png() == drawing.png()
    assert drawing.pdf() == drawing.pdf()
    assert drawing.svg() == drawing.svg()
    assert drawing.png().startswith(b"\x89PNG")
    assert drawing.pdf().startswith(b"%PDF")
    for mark in (b"CreationDate", b"Matplotlib", b"matplotlib"):
        assert mark not in drawing.png()
        assert mark not in drawing.pdf()


def test_marked_parts_tell_their_evidence(drawing: Drawing) -> None:
    root = ElementTree.fromstring(drawing.svg())
    assert [title.text for title in root.iter(_TITLE)] == ['a "tip" & <more>\nn: 5', "n: 1"]
    assert root.get("aria-label") == "A forest."


def test_it_takes_the_pages_colours_and_leaves_its_names_alone(drawing: Drawing) -> None:
    svg = drawing.svg()
    assert INK not in svg
    assert "var(--ink)" in svg
    names = [part.get("id", "") for part in ElementTree.fromstring(svg).iter() if part.get("id")]
    assert names
    assert all(name.startswith("one-") for name in names)
    used = {part.get("{http://www.w3.org/1999/xlink}href", "") for part in ElementTree.fromstring(svg).iter()} - {""}
    assert {name.removeprefix("#") for name in used} <= set(names)


def test_bars_of_nothing_can_still_be_pointed_at() -> None:
    given = [Bar("a", "regret", 0.0, "a: 0"), Bar("b", "regret", 2.0, "b: 2", (1.0, 3.0))]
    root = ElementTree.fromstring(bars("two", "Bars.", given, "points").svg())
    assert [title.text for title in root.iter(_TITLE)].count("a: 0") == 2
