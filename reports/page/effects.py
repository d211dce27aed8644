"""The effects of a factorial ablation: headline, table and figure."""

from __future__ import annotations

from sfcmt.reports.figures.forest import ForestRow, forest
from sfcmt.reports.findings.effects import effects_of
from sfcmt.reports.page.blocks import Block, Chart, Grid, Text
from sfcmt.reports.sources.ablation import AblationResults
from sfcmt.reports.sources.evidence import MISSING
from sfcmt.reports.tables.effects import effect_text, effects_table
from sfcmt.reports.tables.model import Cell, missing
from sfcmt.reports.tables.numbers import Metric


def effect_blocks(label: str, results: AblationResults) -> tuple[tuple[str, Cell], list[Block]]:
    """How many effects are clear, and all of them; or why they are missing."""
    title, metric, found = (
        "effects that are clear after correction",
        Metric(results.spec.test.column),
        effects_of(results),
    )
    if found.analysis is None:
        return (title, missing(found.reason)), [Text(f"Effects: {MISSING} ({found.reason}).")]
    table = effects_table(results, found, metric, f"{label}-effects")
    rows = [
        ForestRow(
            effect_text(effect.name),
            effect.value,
            effect.interval,
            (),
            found.corrected[effect.name].is_rejected,
            f"{effect_text(effect.name)}: {row[2].text}\n{row[2].tip}",
        )
        for effect, row in zip(found.analysis.effects, table.rows, strict=True)
    ]
    caption = "Main effects and interactions with intervals; filled: clear after correction."
    drawing = forest(f"{label}-effects", caption, rows, f"effect on {metric.title}", metric.scale)
    clear = sum(row.is_clear for row in rows)
    count = Cell(f"{clear} of {len(rows)}", table.rows[0][2].evidence)
    return (title, count), [Grid(table), Chart(drawing)]
