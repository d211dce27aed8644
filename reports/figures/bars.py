"""Horizontal bars in groups: shares of importance, regrets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import matplotlib as mpl

from sfcmt.reports.figures.drawing import ACCENT, INK, SECOND, STYLE, Drawing, new_drawing


@dataclass(frozen=True)
class Bar:
    """One bar."""

    label: str
    group: str
    value: float
    tip: str
    interval: tuple[float, float] | None = None


def bars(name: str, caption: str, given: Sequence[Bar], axis: str) -> Drawing:
    """Labels from the top, one bar for each of its at most two groups; a dot of its own for the value 0."""
    labels, groups = (list(dict.fromkeys(getattr(bar, key) for bar in given)) for key in ("label", "group"))
    with mpl.rc_context(STYLE):
        drawing = new_drawing(name, caption, 1.0 + (0.18 + 0.17 * len(groups)) * len(labels))
        axes, thick = drawing.figure.subplots(), 0.7 / len(groups)
        for bar in given:
            place = labels.index(bar.label) + (groups.index(bar.group) - (len(groups) - 1) / 2) * thick
            colour = (ACCENT, SECOND)[groups.index(bar.group)]
            first = bar is next(one for one in given if one.group == bar.group)
            (patch,) = axes.barh([place], [bar.value], thick * 0.9, color=colour, label=bar.group if first else "")
            if not bar.value:  # nothing else would be seen, nor pointed at
                (dot,) = axes.plot([0], [place], "o", color=colour, ms=4)
                drawing.mark(dot, bar.tip)
            if bar.interval:
                axes.plot(bar.interval, [place, place], color=INK, linewidth=1)
            drawing.mark(patch, bar.tip)
        axes.set_yticks(range(len(labels)), labels)
        axes.set_ylim(len(labels) - 0.5, -0.5)
        axes.set_xlabel(axis)
        axes.tick_params(axis="y", length=0)
        if len(groups) > 1:
            axes.legend(loc="lower right", fontsize=8)
    return drawing
