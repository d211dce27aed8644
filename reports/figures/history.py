"""How a search went: the objective of each trial, and the best so far."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import matplotlib as mpl
from matplotlib.ticker import MaxNLocator
from optuna.trial import FrozenTrial, TrialState

from sfcmt.reports.figures.drawing import ACCENT, FAINT, INK, SECOND, STYLE, WARN, Drawing, new_drawing


def history(
    name: str, caption: str, trials: Sequence[FrozenTrial], objective: int, title: str, winner: int, tips: Sequence[str]
) -> Drawing:
    """One mark a trial: complete, stopped early (at its last value), failed (on the axis); the winner is ringed."""
    with mpl.rc_context(STYLE):
        drawing = new_drawing(name, caption, 2.9)
        axes = drawing.figure.subplots()
        complete = [trial for trial in trials if trial.state == TrialState.COMPLETE]
        values = [trial.values[objective] for trial in complete]
        best = [max(values[: place + 1]) for place in range(len(values))]
        axes.step(
            [trial.number for trial in complete], best, where="post", color=FAINT, linewidth=1.2, label="best so far"
        )
        seen: set[str] = set()
        for trial, tip in zip(trials, tips, strict=True):
            word, value, style = _mark(trial, objective)
            if value is None:
                style["transform"] = axes.get_xaxis_transform()
            (mark,) = axes.plot(
                [trial.number], [0.02 if value is None else value], ls="", label="" if word in seen else word, **style
            )
            seen.add(word)
            drawing.mark(mark, tip)
            if trial.number == winner and value is not None:
                axes.plot([trial.number], [value], "o", ms=12, color=SECOND, mfc="none", mew=1.5, ls="", label="winner")
        axes.set_xlabel("trial")
        axes.set_ylabel(title)
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.legend(
            loc="upper center", bbox_to_anchor=(0.5, -0.2), ncols=5, handletextpad=0.3, columnspacing=1, fontsize=8
        )
    return drawing


def _mark(trial: FrozenTrial, objective: int) -> tuple[str, float | None, dict[str, Any]]:
    if trial.state == TrialState.COMPLETE:
        return "complete", trial.values[objective], {"marker": "o", "ms": 5, "color": ACCENT}
    if trial.state == TrialState.PRUNED and trial.intermediate_values:
        last = trial.intermediate_values[max(trial.intermediate_values)]
        return "stopped early", last, {"marker": "o", "ms": 5, "color": INK, "mfc": "none", "alpha": 0.6}
    return "failed", None, {"marker": "x", "ms": 6, "color": WARN, "clip_on": False}
