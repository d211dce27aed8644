"""How much n labels will say, before one begins."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from sfcmt.reports.audit.draw import Draw
from sfcmt.reports.audit.estimates import anytime_interval, interval_at_plan
from sfcmt.reports.audit.outcomes import Outcomes


@dataclass(frozen=True)
class PlannedWidths:
    """Half the widths of the intervals, as shares: the points that stand behind a +-."""

    n: int
    at_plan: float
    anytime: float
    """Valid at all looks at once, when n labels are there."""
    level: float


def planned_widths(draw: Draw, accuracy: float = 0.5, level: float = 0.95) -> PlannedWidths:
    """Of an audit whose labels come out at an accuracy, evenly, with strata that save nothing; 0.5 gives the widest.

    For a difference all images are taken to tell the models apart, which gives the widest, too.
    """
    n = len(draw.rows)
    least = 0 if draw.question == "accuracy" else -1
    steps = np.floor(np.arange(n + 1) * (accuracy if least == 0 else 0.5) + 0.5)
    y_n = np.diff(steps) * (1 - least) + least
    found = Outcomes(np.array(draw.rows), np.zeros(n, dtype=np.int64), y_n, y_n, np.ones(draw.images), least)
    one_cell = replace(draw, cells=(0,) * n, sizes=(draw.drawable,))
    intervals = (interval_at_plan(one_cell, found, level), anytime_interval(draw, found, level))
    at_plan, anytime = ((one.high - one.low) / 2 for one in intervals)
    return PlannedWidths(n, at_plan, anytime, level)
