"""Verbs that need neither Ray nor MLflow: `data import`, `data inspect`, `list`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from sfcmt.errors import ConfigError, Problem
from sfcmt.listing import listed

if TYPE_CHECKING:
    from sfcmt.data.inspect import Summary
    from sfcmt.data.manifest import Modality
    from sfcmt.registry import Registry


def register(app: typer.Typer) -> None:
    """Add the verbs to the command."""
    data = typer.Typer(help="Import and look at data sets.", no_args_is_help=True)
    data.command("import")(import_)
    data.command("inspect")(inspect)
    app.add_typer(data, name="data")
    app.command("list")(list_)


def import_(
    source: Annotated[Path, typer.Argument(help="What to import: a downloaded data set's folder or file.")],
    destination: Annotated[Path, typer.Argument(help="New folder for the data set.")],
    options: Annotated[list[str] | None, typer.Argument(help="Options of the importer: key=value.")] = None,
    layout: Annotated[str | None, typer.Option(help="Name of the importer, if it cannot be told from SOURCE.")] = None,
    strict: Annotated[bool, typer.Option("--strict", help="Refuse to skip a file.")] = False,
) -> None:
    """Bring downloaded images into the format of sfcmt. Ends with what was imported, class by class, and skipped."""
    from sfcmt.data.dataset import Dataset
    from sfcmt.data.import_summary import class_counts, class_table, counts_line, warnings_of
    from sfcmt.data.importer import import_dataset

    skipped = import_dataset(source, destination, layout, dict(_key_value(option) for option in options or ()), strict)
    dataset = Dataset(destination)
    if counts := class_counts(dataset):
        Console(markup=False, highlight=False).print(class_table(counts))
    for line in (*skipped, *warnings_of(dataset, counts)):
        typer.echo(line)
    typer.echo(f"{destination}: {counts_line(dataset)}")


def inspect(
    folder: Annotated[Path, typer.Argument(help="Folder of an imported data set.")],
    sheet: Annotated[Path | None, typer.Option(help="Where to write the contact sheet (PNG).")] = None,
) -> None:
    """Show counts, class balance and sizes, check that pairs are pairs, and draw a contact sheet of them."""
    from sfcmt.data.dataset import Dataset
    from sfcmt.data.duplicates import find_duplicates
    from sfcmt.data.inspect import contact_sheet, summarise
    from sfcmt.data.pair_check import check_pairs
    from sfcmt.durable import replacing

    dataset = Dataset(folder)
    pairs, duplicates = check_pairs(dataset), find_duplicates(dataset)
    table = _numbers(summarise(dataset))
    table.add_row("pairs", pairs.line)
    table.add_row("duplicates", duplicates.line)
    Console(markup=False, highlight=False).print(table)
    for warning in filter(None, (pairs.warning, *duplicates.warnings)):
        typer.echo(f"warning: {warning}")
    path = sheet or Path(f"{folder.resolve().name}.png")
    with replacing(path) as temporary:
        contact_sheet(dataset).savefig(temporary, format=path.suffix.removeprefix(".") or "png", dpi=150)
    typer.echo(f"contact sheet: {path}")


def list_() -> None:
    """Show methods, validators, backbones, translators, weightings, importers, export formats and experiments."""
    from sfcmt.data.importer import IMPORTERS
    from sfcmt.experiment import shipped_experiments
    from sfcmt.models.backbones import NAMED_BACKBONES
    from sfcmt.models.export.formats import FORMATS
    from sfcmt.models.sources import SOURCES
    from sfcmt.models.translators import TRANSLATORS
    from sfcmt.models.translators.fixed import FIXED
    from sfcmt.pseudo_labels.weightings import WEIGHTINGS
    from sfcmt.stages.method import METHODS
    from sfcmt.stages.terms import TERMS
    from sfcmt.validators import POOL_VALIDATORS, VALIDATORS
    from sfcmt.yaml_files import read_yaml

    rows = [
        ("experiment", name, str(read_yaml(path).get("description", "")))
        for name, path in shipped_experiments().items()
    ]
    rows += [*_members("method", METHODS), *_members("term", TERMS), *_members("validator", VALIDATORS)]
    rows += _members("pool validator", POOL_VALIDATORS)
    rows += _members("source model", SOURCES)
    rows += [("backbone", name, note) for name, note in NAMED_BACKBONES.items()]
    rows += [("backbone", "...", "any other model of timm's, by its name")]
    rows += [*_members("translator", TRANSLATORS), *_members("fixed translator", FIXED)]
    rows += _members("weighting", WEIGHTINGS)
    rows += [*_members("importer", IMPORTERS), *_members("export format", FORMATS)]
    table = Table("kind", "name", "what it is", box=None, pad_edge=False)
    for before, (kind, name, note) in zip([None, *rows], rows, strict=False):
        table.add_row("" if before and before[0] == kind else kind, name, note)
    Console(markup=False, highlight=False).print(table)


def _key_value(option: str) -> tuple[str, str]:
    key, equals, value = option.partition("=")
    if not (key and equals):
        raise ConfigError([Problem("option", option, "key=value")])
    return key, value


def _numbers(summary: Summary) -> Table:
    table = Table(title=summary.name, title_justify="left", box=None, pad_edge=False, show_header=False)
    table.add_column(style="bold", no_wrap=True)
    table.add_column()
    counts = listed([f"{name} {count}" for name, count in summary.source_class_counts.items()])
    sizes = dict.fromkeys(f"{height} x {width}" for height, width in (summary.min_size, summary.max_size))
    table.add_row("rows", ", ".join(f"{count} {split}" for split, count in summary.rows.items()))
    table.add_row("source classes", counts or "no source images: bring a model (source.model)")
    table.add_row("source", _modality(summary.source))
    table.add_row("target", f"{_modality(summary.target)}; holes: {summary.holes}{summary.reading.notes}")
    table.add_row("height x width", " to ".join(sizes))
    table.add_row("sealed", ", ".join(summary.sealed) or "nothing")
    table.add_row("digest", summary.digest[:20])
    return table


def _modality(modality: Modality) -> str:
    from sfcmt.data.manifest import NUMBERS

    moments = (modality.normalisation.mean, modality.normalisation.std)
    mean, std = (" ".join(f"{value:.1f}" for value in values) for values in moments)
    return f"{modality.name}, {modality.channels} x {NUMBERS[modality.bits]}, mean {mean}, std {std}"


def _members(kind: str, registry: Registry[Any]) -> list[tuple[str, str, str]]:
    return [(kind, name, _summary(registry, name)) for name in registry]


def _summary(registry: Registry[Any], name: str) -> str:
    """What a member is; of one that another package has spoilt, what is wrong with it."""
    from sfcmt.registry import PluginError

    try:
        return registry.summary(name)
    except PluginError as error:
        return f"cannot be used: {error}"
