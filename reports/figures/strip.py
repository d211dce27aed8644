"""Every value of every arm, with the mean and its interval."""

from __future__ import annotations

from collections.abc import Sequence

import matplotlib as mpl

from sfcmt.reports.figures.drawing import ACCENT, FAINT, STYLE, Drawing, new_drawing
from sfcmt.reports.figures.forest import ForestRow


def strip(name: str, caption: str, rows: Sequence[ForestRow], axis: str, scale: float) -> Drawing:
    """Rows from the top; one faint point a seed."""
    with mpl.rc_context(STYLE):
        drawing = new_drawing(name, caption, 0.9 + 0.34 * len(rows))
        axes = drawing.figure.subplots()
        for place, row in enumerate(rows):
            axes.plot(
                [scale * point for point in row.points],
                [place + 0.2] * len(row.points),
                "o",
                color=FAINT,
                ms=3.5,
                alpha=0.7,
            )
            if row.interval:
                ends = [scale * row.interval.low, scale * row.interval.high]
                axes.plot(ends, [place - 0.1] * 2, color=ACCENT, linewidth=1.8, solid_capstyle="butt")
            (marker,) = axes.plot([scale * row.value], [place - 0.1], "D", color=ACCENT, ms=5)
            drawing.mark(marker, row.tip)
        axes.set_yticks(range(len(rows)), [row.label for row in rows])
        axes.set_ylim(len(rows) - 0.5, -0.6)
        axes.set_xlabel(axis)
        axes.tick_params(axis="y", length=0)
        axes.spines["left"].set_visible(False)
    return drawing
