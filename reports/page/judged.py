"""The validators' accountability, over one study or several."""

from __future__ import annotations

from collections.abc import Sequence

from sfcmt.reports.figures.bars import Bar, bars
from sfcmt.reports.findings.pools import pools_of
from sfcmt.reports.page.blocks import Chart, Grid, Section, Text
from sfcmt.reports.sources.evidence import MISSING
from sfcmt.reports.sources.results import Results
from sfcmt.reports.statistics.accountability import Accountability, Pool, accountability
from sfcmt.reports.tables.accountability import AccountabilityTable, shaping_table
from sfcmt.reports.tables.model import Cell, Table


def accountability_section(name: str, studies: Sequence[Results], level: int = 3) -> Section:
    """Each validator's regret and rank correlation over the pools that have been scored."""
    section = Section(name, "Would the validators have chosen well?", level=level)
    pools = pools_of(studies)
    if not pools:
        section.blocks.append(Text(f"Judging the validators: {MISSING} ({studies[0].why_closed})."))
        return section
    judgement, judged = accountability(pools), [one for one in studies if pools_of([one])]
    table = AccountabilityTable(judged, pools, judgement).table(name)
    section.blocks.extend([Text(_counts(pools)), Grid(table)])
    if shaped := shaping_table([row.validator for row in judgement.rows], f"{name}-shaped"):
        section.blocks.append(Grid(shaped))
    given = [bar for row, cells in zip(judgement.rows, table.rows, strict=True) for bar in _bar(row, cells, table)]
    caption = "Regret of each validator's own pick, in points of balanced accuracy (oracle); less is better."
    if given:
        section.blocks.append(Chart(bars(name, caption, given, "regret, points")))
    return section


def _counts(pools: Sequence[Pool]) -> str:
    data = sorted({pool.data for pool in pools})
    told = f"{len(data)} data set{'s' if len(data) > 1 else ''}"
    return f"{sum(pool.models for pool in pools)} models in {len(pools)} pools, on {told}: {', '.join(data)}."


def _bar(row: Accountability, cells: Sequence[Cell], table: Table) -> list[Bar]:
    """None for a validator that was shaped on all data sets here."""
    if row.regret.value is None:
        return []
    limits = row.regret.interval
    place = len(table.columns) - 3  # the mean over data sets, or the regret on the only one
    tip = f"{row.validator}: regret {cells[place].text} points\n{cells[place].tip}"
    ends = (100 * limits.low, 100 * limits.high) if limits else None
    return [Bar(row.validator, "regret", 100 * row.regret.value, tip, ends)]
