"""The validators' accountability, over one study or several."""

from __future__ import annotations

from collections.abc import Sequence

from sfcmt.reports.figures.bars import Bar, bars
from sfcmt.reports.findings.pools import pools_of
from sfcmt.reports.page.blocks import Chart, Grid, Section, Text
from sfcmt.reports.sources.evidence import MISSING
from sfcmt.reports.sources.results import Results
from sfcmt.reports.statistics.accountability import accountability
from sfcmt.reports.tables.accountability import accountability_table


def accountability_section(name: str, studies: Sequence[Results], level: int = 3) -> Section:
    """Each validator's regret and rank correlation over the pools that have been scored."""
    section = Section(name, "Would the validators have chosen well?", level=level)
    judged = [(one, pools) for one in studies if (pools := pools_of(one))]
    scored = [pool for _, pools in judged for pool in pools]
    if not scored:
        section.blocks.append(Text(f"Judging the validators: {MISSING} ({studies[0].why_closed})."))
        return section
    rows = accountability([pool.judged for pool in scored])
    seeds = {pool.name: pool.seed for pool in scored}
    models, data = sum(pool.models for pool in scored), sorted({one.data for one, _ in judged})
    section.blocks.append(Text(f"{models} models in {len(scored)} pools, on {', '.join(data)}."))
    table = accountability_table([one for one, _ in judged], seeds, rows, name)
    given = [
        Bar(
            row.validator,
            "regret",
            100 * row.regret.value,
            f"{row.validator}: regret {cells[2].text} points\n{cells[2].tip}",
            (100 * row.regret.interval.low, 100 * row.regret.interval.high) if row.regret.interval else None,
        )
        for row, cells in zip(rows, table.rows, strict=True)
        if row.regret.value is not None
    ]
    caption = "Regret of each validator's own pick, in points of balanced accuracy (oracle); less is better."
    section.blocks.extend([Grid(table), Chart(bars(name, caption, given, "regret, points"))])
    return section
