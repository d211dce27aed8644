"""From sections to one Markdown document: what a repository shows of its results."""

from __future__ import annotations

from collections.abc import Sequence

from sfcmt.reports.page.blocks import Block, Facts, Grid, Headline, Section, Text
from sfcmt.reports.tables.markdown import escaped, markdown


def document(title: str, lead: str, sections: Sequence[Section]) -> str:
    """Headings, facts and short tables; figures, long tables and details are for the page."""
    parts = [f"# {escaped(title)}", lead]
    for section in sections:
        told = [text for block in section.blocks if (text := _block(block))]
        if told and not section.is_detail:
            parts += [f"{'#' * section.level} {escaped(section.title)}", *told]
    return "\n\n".join(parts) + "\n"


def _block(block: Block) -> str:
    match block:
        case Text(text):
            return escaped(text)
        case Headline(numbers):
            return "\n".join(f"- {escaped(term)}: **{escaped(cell.text)}**" for term, cell in numbers)
        case Facts(facts):
            return "; ".join(f"{escaped(term)}: {escaped(cell.text)}" for term, cell in facts) + "."
        case Grid(table) if not table.is_long:
            return markdown([table]).strip()
        case _:
            return ""
