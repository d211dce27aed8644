"""The verb `drift`: are new images still like those that a model was adapted to?"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sfcmt.tuning.export_verb import RunCode

if TYPE_CHECKING:
    from sfcmt.reports.drift.check import Drift


def drift(
    model: Annotated[str, typer.Argument(help="A registered model (models:/NAME@champion), or a stage's folder.")],
    images: Annotated[Path, typer.Argument(help="New images: a folder of files, or an imported data set.")],
    adapted_to: Annotated[
        Path | None, typer.Option(help="The data set that a stage's folder was adapted to, which says its frames.")
    ] = None,
    run_code: RunCode = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one machine-readable object instead.")] = False,
) -> None:
    """Compare new images with those that a model was adapted to, and say whether to adapt again."""
    from sfcmt.reports.drift.check import check_drift

    found = check_drift(model, images, adapted_to, run_code)
    typer.echo(json.dumps(found.as_json()) if as_json else "\n".join(_lines(found)))


def _lines(found: Drift) -> list[str]:
    from sfcmt.reports.drift.show import lines

    return lines(found)
