"""From sections to one Markdown document: what a repository shows of its results."""

from __future__ import annotations

from collections.abc import Sequence

from reports.page.blocks import Block, Chart, Facts, Grid, Headline, Listing, Section, Text
from reports.tables.markdown import escaped, markdown


def document(title: str, lead: str, sections: Sequence[Section]) -> str:
    """Headings, facts, short tables and commands; figures, long tables and folded listings are for the page."""
    parts = [f"# {escaped(title)}", lead]
    for section in sections:
        if told := [text for block in section.blocks if (text := _block(block))]:
            parts += [f"{'#' * section.level} {escaped(section.title)}", *told]
    return "\n\n".join(parts) + "\n"


def _block(block: Block) -> str:
    match block:
        case Text(text):
            return escaped(text)
        case Facts(pairs) | Headline(pairs):
            return "\n".join(f"- {escaped(term)}: {escaped(cell.text)}" for term, cell in pairs)
        case Grid(table):
            return "" if table.is_long else markdown([table]).strip()
        case Listing(title, text, is_folded):
            return "" if is_folded else f"{escaped(title)}:\n\n```sh\n{text}\n```"
        case Chart():
            return ""
