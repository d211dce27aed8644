"""What stands behind a number. What a number does not need is `none`; what it should have and has not is `missing`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields, replace

from sfcmt.reports.statistics.interval import Interval

MISSING, NONE = "missing", "none"


@dataclass(frozen=True)
class Evidence:
    """Eight facts about one number, as they are shown."""

    n: str
    seeds: str
    interval: str
    test: str
    correction: str
    selection: str
    """How what the number is of was chosen."""
    commit: str
    data: str
    """Names and digests of the data sets."""

    def __str__(self) -> str:
        return "\n".join(f"{field.name}: {getattr(self, field.name)}" for field in fields(self))


@dataclass(frozen=True)
class Provenance:
    """What all numbers of a study have in common."""

    selection: str
    commit: str
    data: str
    differs: str = NONE
    """In what its runs differ that should change them by rounding only: versions, devices, threads."""

    def evidence(
        self,
        n: int | str,
        seeds: Sequence[int] | str = NONE,
        interval: str = NONE,
        test: str = NONE,
        correction: str = NONE,
    ) -> Evidence:
        """The facts of one number of the study."""
        told = seeds if isinstance(seeds, str) else seeds_text(seeds)
        return Evidence(str(n), told, interval, test, correction, self.selection, self.commit, self.data)

    def selected(self, selection: str) -> Provenance:
        """Of something that was chosen in another way."""
        return replace(self, selection=selection)

    @staticmethod
    def of_several(provenances: Iterable[Provenance]) -> Provenance:
        """What numbers over several studies have in common: all that any of them has."""
        given = list(provenances)
        return Provenance(
            *("; ".join(dict.fromkeys(getattr(one, field.name) for one in given)) for field in fields(Provenance))
        )


def seeds_text(seeds: Sequence[int]) -> str:
    """Seeds in order, a run of three or more as `0-4`."""
    ordered, runs = sorted(seeds), list[list[int]]()
    for seed in ordered:
        if runs and seed == runs[-1][-1] + 1:
            runs[-1].append(seed)
        else:
            runs.append([seed])
    parts = [[f"{run[0]}\N{EN DASH}{run[-1]}"] if len(run) > 2 else list(map(str, run)) for run in runs]
    return ", ".join(part for run in parts for part in run) or NONE


def interval_text(interval: Interval | None) -> str:
    """Level and method of an interval."""
    return MISSING if interval is None else f"{100 * interval.level:.4g} %, {interval.method}"
