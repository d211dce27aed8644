"""The verb `report`. What it needs is imported late: the command must start fast."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer


def report(
    studies: Annotated[list[str], typer.Argument(help="Finished studies' names or folders.")],
    out: Annotated[
        Path | None, typer.Option(help="Folder to write to (default: report, in the first study's).")
    ] = None,
    markdown: Annotated[Path | None, typer.Option(help="Also write the report as Markdown to this file.")] = None,
    store: Annotated[
        str | None, typer.Option(help="Folder or URI of the store (default: SFCMT_STORE, or ./sfcmt-store).")
    ] = None,
) -> None:
    """Report finished studies: a page that works offline, tables, figures, and how to run them again."""
    from sfcmt.reports.report import report as report_of
    from sfcmt.reports.report import write
    from sfcmt.reports.sources.opening import open_studies

    found = open_studies(studies, store or os.environ.get("SFCMT_STORE", "sfcmt-store"))
    folder = out or found[0].folder / "report"
    files = report_of(found)
    write(files, folder)
    for name in ("report.html", "report.md", "table.tex", "results.arrow", "figures", "reproduce"):
        typer.echo(folder / name)
    if markdown:
        write({markdown.name: files["report.md"]}, markdown.parent)
        typer.echo(markdown)
