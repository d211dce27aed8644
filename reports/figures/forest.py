"""Forest plot: estimates with their intervals against a line of no difference."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import matplotlib as mpl

from sfcmt.reports.figures.drawing import ACCENT, FAINT, PAPER, STYLE, Drawing, new_drawing
from sfcmt.reports.statistics.interval import Interval


@dataclass(frozen=True)
class ForestRow:
    """One estimate, in the units of the axis."""

    label: str
    value: float
    interval: Interval | None
    points: tuple[float, ...]
    """What it is the mean of; drawn faintly."""
    is_clear: bool
    tip: str


def forest(name: str, caption: str, rows: Sequence[ForestRow], axis: str, scale: float) -> Drawing:
    """Rows from the top. Values are multiplied by `scale`. Filled: clear by the study's own test."""
    with mpl.rc_context(STYLE):
        drawing = new_drawing(name, caption, 0.9 + 0.34 * len(rows))
        axes = drawing.figure.subplots()
        axes.axvline(0, color=FAINT, linewidth=0.8)
        for place, row in enumerate(rows):
            axes.plot([scale * point for point in row.points], [place + 0.22] * len(row.points), "|", color=FAINT, ms=5)
            if row.interval:
                ends = [scale * row.interval.low, scale * row.interval.high]
                axes.plot(ends, [place, place], color=ACCENT, linewidth=1.8, solid_capstyle="butt")
            fill = ACCENT if row.is_clear else PAPER
            (marker,) = axes.plot([scale * row.value], [place], "o", color=ACCENT, ms=6, mfc=fill)
            drawing.mark(marker, row.tip)
        axes.set_yticks(range(len(rows)), [row.label for row in rows])
        axes.set_ylim(len(rows) - 0.5, -0.5)
        axes.set_xlabel(axis)
        axes.tick_params(axis="y", length=0)
        axes.spines["left"].set_visible(False)
    return drawing
