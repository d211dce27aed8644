"""What a study cost, and what it saved by stages that were there already."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from sfcmt.reports.sources.results import Results
from sfcmt.reports.sources.search import SearchResults


@dataclass(frozen=True)
class Cost:
    """Trainings of one sort, in seconds of wall time."""

    what: str
    trained: int
    seconds: float
    reused: int
    saved: float
    unknown: int
    """Trainings of which nothing is written down."""


@dataclass(frozen=True)
class Costs:
    """All trainings of a study."""

    covers: str
    rows: list[Cost]


def costs_of(results: Results) -> Costs:
    """By kind of stage for a search, by arm for an ablation."""
    if isinstance(results, SearchResults):
        noted = [stage for trial in results.study.trials for stage in trial.user_attrs.get("stages", {}).values()]
        by_kind: dict[str, list[tuple[float | None, bool | None]]] = {}
        for stage in noted:
            by_kind.setdefault(stage["kind"], []).append((stage["seconds"], stage["reused"]))
        return Costs("Stages of the trials", [_cost(kind, found) for kind, found in sorted(by_kind.items())])
    rows = [_cost(arm, [(run.seconds, run.reused) for run in results.runs_of(arm)]) for arm in results.arms]
    return Costs("Transfer stages only: what the stages before them took is missing", rows)


def _cost(what: str, stages: list[tuple[float | None, bool | None]]) -> Cost:
    trained, reused = (list(_seconds(stages, is_reused)) for is_reused in (False, True))
    unknown = len(stages) - len(trained) - len(reused)
    return Cost(what, len(trained), sum(trained), len(reused), sum(reused), unknown)


def _seconds(stages: list[tuple[float | None, bool | None]], is_reused: bool) -> Iterator[float]:
    return (seconds for seconds, reused in stages if seconds is not None and reused is is_reused)
