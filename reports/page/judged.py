"""The validators' accountability, over one search or several."""

from __future__ import annotations

from collections.abc import Sequence

from reports.figures.bars import Bar, bars
from reports.page.blocks import Chart, Grid, Section, Text
from reports.sources.evidence import MISSING
from reports.sources.search import SearchResults
from reports.statistics.accountability import accountability
from reports.tables.accountability import accountability_table


def accountability_section(name: str, studies: Sequence[SearchResults], level: int = 3) -> Section:
    """Each validator's regret and rank correlation over the studies that have been scored."""
    section = Section(name, "Would the validators have chosen well?", level=level)
    scored = [(one, one.scores) for one in studies if one.scores]
    if not scored:
        section.blocks.append(Text(f"Judging the validators: {MISSING} ({studies[0].why_closed})."))
        return section
    rows = accountability([scores for _, scores in scored])
    table = accountability_table([one for one, _ in scored], rows, name)
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
