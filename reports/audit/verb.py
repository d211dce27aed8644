"""The verb `audit`. What it needs is imported late: the command must start fast."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from sfcmt.reports.audit.session import Session


def audit(
    place: Annotated[
        str,
        typer.Argument(
            help="A finished study (its winner), models:/NAME@ALIAS, a transfer's folder, or logits (a .parquet)."
        ),
    ],
    labels: Annotated[
        int | None, typer.Option(min=1, help="Images to label (60); more than before extend the audit.")
    ] = None,
    against: Annotated[
        list[str] | None,
        typer.Option(
            help="Another model, or a trial or anchor of the study. One: which is better? Several: compared at once."
        ),
    ] = None,
    serve: Annotated[bool, typer.Option("--serve", help="Label on a page of this machine, by keys.")] = False,
    port: Annotated[int, typer.Option(min=0, max=65535, help="Of the page (default: any that is free).")] = 0,
    open_: Annotated[bool, typer.Option("--open", help="Open the page in a browser.")] = False,
    csv: Annotated[Path | None, typer.Option(help="A table of id and label: classes, ? for cannot tell.")] = None,
    export: Annotated[Path | None, typer.Option(help="Folder for the images and a table to fill in.")] = None,
    data: Annotated[Path | None, typer.Option(help="The data set's folder, where it cannot be told.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the audit as the last line.")] = False,
    store: Annotated[
        str | None, typer.Option(help="Folder or URI of the store (default: SFCMT_STORE, or ./sfcmt-store).")
    ] = None,
) -> None:
    """How good is it? Label some target images, drawn now that the model is chosen, and know how much that says."""
    from sfcmt.listing import listed
    from sfcmt.reports.audit.drawn_images import TABLE
    from sfcmt.reports.audit.drawn_images import export as write_out
    from sfcmt.reports.audit.places import find_audited
    from sfcmt.reports.audit.session import Session
    from sfcmt.reports.audit.show import document, plan_lines, result_lines

    audited = find_audited(place, against or (), store or os.environ.get("SFCMT_STORE", "sfcmt-store"), data)
    session = Session.open(audited, labels)
    options = [*(("against", other) for other in against or ()), ("data", data), ("store", store)]
    named = " ".join([place, *(f"--{name} {value}" for name, value in options if value)])
    typer.echo("\n".join(plan_lines(session, named)))
    if csv:
        _take(session, csv)
    if export:
        write_out(session, export)
        typer.echo(f"{export}: {len(session.record.ids)} images, and {TABLE} to fill in with these classes or ?:")
        typer.echo(f"  {listed(session.record.classes)}")
    if serve and session.record.result is None:
        _serve(session, port, open_)
    if session.record.labels:
        typer.echo("\n".join(result_lines(session)))
    if as_json:
        typer.echo(json.dumps(document(session)))


def _take(session: Session, path: Path) -> None:
    from sfcmt.reports.audit.labels_file import read_answers

    record = session.record
    told = read_answers(path, record.ids, record.classes)
    with record.labelling():
        new = {id_: label for id_, label in told.items() if record.labels.get(id_, "") != label}
        record.answer(new, "csv")
        typer.echo(f"{path}: {len(told)} labels, of which {len(new)} are new; {len(record.left)} are left")
        if not record.left and record.result is None:
            session.seal()


def _serve(session: Session, port: int, opens: bool) -> None:
    from sfcmt.reports.audit.page import serve

    if not serve(session, port, opens, typer.echo):
        left = len(session.record.left)
        typer.echo(f"Ended with {left} images left, and all labels kept; the same command goes on.")
