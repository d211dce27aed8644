"""The verb `source inspect`: what a model is that one would start from."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from sfcmt.listing import listed

if TYPE_CHECKING:
    from sfcmt.config import GivenSourceConfig
    from sfcmt.models.feeding import Feeding
    from sfcmt.models.given import GivenSource
    from sfcmt.models.inspect import SourceSummary


def register(app: typer.Typer) -> None:
    """Add the verb to the command."""
    source = typer.Typer(help="Look at source models.", no_args_is_help=True)
    source.callback()(lambda: None)  # a group, though of one verb
    source.command("inspect")(inspect)
    app.add_typer(source, name="source")


def inspect(
    model: Annotated[str, typer.Argument(help="What `source.model` takes: timm:NAME, hf:FOLDER, a folder of ours ...")],
    fields: Annotated[
        list[str] | None,
        typer.Argument(help="Other fields of `source`: weights=FILE classes=FILE head=LAYER input.order=bgr ..."),
    ] = None,
    size: Annotated[int | None, typer.Option(help="Size of images, if not what the model expects.")] = None,
    data: Annotated[
        Path | None,
        typer.Option(help="A data set, whose TI pairs tell if the input is configured rightly."),
    ] = None,
) -> None:
    """Show what a model is: its head, features, normalisation, classes and input, and which methods apply."""
    from sfcmt.models.given import GivenSource
    from sfcmt.models.inspect import summarise_source

    source = GivenSource(_config(model, tuple(fields or ())))
    summary = summarise_source(source, size)
    console = Console(markup=False, highlight=False)
    console.print(_facts(summary))
    console.print(_methods(summary))
    if data:
        _print_feeding(console, source, data)


def _config(model: str, fields: tuple[str, ...]) -> GivenSourceConfig:
    from sfcmt.config import GivenSourceConfig
    from sfcmt.experiment import checked_section, override_field

    raw: dict[str, Any] = {"model": model}
    for field in fields:
        override_field(raw, field)
    return checked_section(raw, GivenSourceConfig, "source")


def _facts(summary: SourceSummary) -> Table:
    given, resize = summary.input, summary.input.resize
    square = "squeezed to a square" if resize.crop is None else f"central {resize.crop:.0%} of the shorter side"
    rows = {
        "network": f"{summary.architecture}, {summary.parameters / 1e6:.2f} M parameters",
        "head": f"{' and '.join(summary.head)}: {summary.features} features, {summary.outputs} outputs",
        "classes": listed(summary.classes),
        "normalisation": ", ".join(f"{count} {kind}" for kind, count in summary.normalisation.items()) or "none",
        "input": f"{given.size} x {given.size}, {resize.interpolation}, {square}",
        "pixels": f"{given.order.upper()}, 0 to {given.range}, mean {_three(given.mean)}, std {_three(given.std)}",
    }
    table = Table(title=summary.model, title_justify="left", box=None, pad_edge=False, show_header=False)
    table.add_column(style="bold", no_wrap=True)
    table.add_column()
    for name, value in [*rows.items(), *(("note", note) for note in summary.notes)]:
        table.add_row(name, value)
    return table


def _methods(summary: SourceSummary) -> Table:
    from sfcmt.stages.method import METHODS

    table = Table("method", "applies", box=None, pad_edge=False)
    for name, method in METHODS.items():
        field = method.batchnorm_field(method.Config())
        without = f"not by default: {field} rests on batch norm; set it to 0" if field else "yes"
        table.add_row(name, "yes" if summary.has_batchnorm else without)
    return table


def _print_feeding(console: Console, source: GivenSource, folder: Path) -> None:
    from sfcmt.data.dataset import Dataset
    from sfcmt.models.feeding import check_feeding, pair_images

    feeding = check_feeding(source, pair_images(Dataset(folder)))
    console.print(_readings(feeding))
    for untold in feeding.untold:
        console.print(f"{untold}: cannot be told here")
    console.print(f"Warning: {feeding.warning}" if feeding.warning else "No other reading is clearly better.")


def _readings(feeding: Feeding) -> Table:
    table = Table(f"input, by {feeding.judged_by}", "strangeness", "layers for it", "", box=None, pad_edge=False)
    for judged in feeding.readings:
        verdict = "" if judged is feeding.readings[0] else feeding.verdict(judged)
        best = ", most at home" if judged is feeding.best else ""
        times, share = f"x {math.exp(min(judged.strangeness, 50)):.3g}", f"{judged.agreeing:.0%}"
        table.add_row(judged.reading.name, times, share, (verdict + best).removeprefix(", "))
    return table


def _three(values: tuple[float, ...]) -> str:
    return " ".join(f"{value:.3g}" for value in values)
