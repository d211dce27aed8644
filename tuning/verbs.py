"""Verbs of experiments and the store: `validate`, `run`, `compare`, `predict`, `export`, `gc`.

What they need is imported late: the command must start fast.
"""

from __future__ import annotations

import json
import os
from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from sfcmt.errors import ConfigError, Problem
from sfcmt.tuning.export_verb import RunCode, export

if TYPE_CHECKING:
    from sfcmt.progress.lines import ProgressLines
    from sfcmt.tuning.comparison import Comparison
    from sfcmt.tuning.summary import Summary

ExperimentArgument = Annotated[str, typer.Argument(help="A shipped experiment's name (sfcmt list), or a YAML file.")]
Overrides = Annotated[list[str] | None, typer.Argument(help="key=value, such as data=FOLDER or transfer.beta_f=0.5")]
AsJson = Annotated[bool, typer.Option("--json", help="Print one machine-readable object as the last line.")]
Oracles = Annotated[bool, typer.Option(help="Also train the oracles, which read sealed labels, for comparison.")]
Verbose = Annotated[bool, typer.Option("--verbose", "-v", help="Print a line for each epoch, too.")]

GOES_ON = "Ctrl-C stops; the same command goes on."
MODEL_HELP = "A stage's folder, an exported .safetensors, or an MLflow URI: runs:/ID/model, models:/NAME/1."
STORE_HELP = "Folder or URI of the store (default: SFCMT_STORE, or ./sfcmt-store)."
LOGITS_HELP = "NAME=FILE: another model, by its logits for the target images (Parquet: id, and a column a class)."
JOBS_HELP = "Trainings at the same time (default: 1; on a Ray cluster as many as fit)."


def register(app: typer.Typer) -> None:
    """Add the verbs to the command."""
    app.command()(validate)
    app.command()(run)
    app.command()(compare)
    app.command()(predict)
    app.command()(export)
    app.command()(gc)


def validate(
    file: Annotated[str, typer.Argument(help="An experiment, search or ablation (YAML), or a shipped experiment.")],
    overrides: Overrides = None,
    build: Annotated[
        bool, typer.Option("--build", help="Also build the networks, and show them an image of the experiment's size.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print what was checked, defaults filled in.")] = False,
) -> None:
    """Check a YAML file: all its mistakes at once, before anything is trained."""
    from sfcmt.tuning.checking import built, checked

    config, experiment = checked(file, tuple(overrides or ()))
    lines = list(built(experiment)) if build else []
    if as_json:
        typer.echo(json.dumps(config.model_dump(mode="json"), indent=2))
        return
    typer.echo("\n".join([f"{file}: valid", *lines]))


def run(
    experiment: ExperimentArgument,
    overrides: Overrides = None,
    oracles: Oracles = False,
    verbose: Verbose = False,
    as_json: AsJson = False,
) -> None:
    """Run one experiment: source, bridge, transfer; then log it to MLflow and show how it did."""
    from sfcmt.experiment import load_experiment
    from sfcmt.tuning.progress import progress_of

    config, name = load_experiment(experiment, overrides or ()), _name(experiment)
    methods = list(dict.fromkeys(["source_only", config.method]))
    plan = f"Run {name}: {', '.join(methods)}; seed {config.seed}. {GOES_ON}"
    with progress_of("run", name, plan, config, verbose) as progress:
        with progress.doing("loading PyTorch, MLflow and the data set"):
            from sfcmt.tuning.comparison import Comparison

            comparison = Comparison(config, methods, [config.seed], oracles)
        summary = _told(name, comparison, progress, None, is_comparison=False)
    if as_json:
        typer.echo(json.dumps(summary.as_json()))


def compare(
    experiment: ExperimentArgument,
    overrides: Overrides = None,
    methods: Annotated[str, typer.Option(help="Methods, separated by commas; 'all' for every one.")] = "all",
    seeds: Annotated[int, typer.Option(min=1, help="Number of seeds; the first is the experiment's.")] = 3,
    jobs: Annotated[int | None, typer.Option(min=1, help=JOBS_HELP)] = None,
    logits: Annotated[list[str] | None, typer.Option(help=LOGITS_HELP)] = None,
    oracles: Oracles = False,
    verbose: Verbose = False,
    as_json: AsJson = False,
) -> None:
    """Run several methods on shared stages, over several seeds."""
    from sfcmt.experiment import load_experiment
    from sfcmt.stages.method import METHODS
    from sfcmt.tuning.progress import progress_of

    config, name = load_experiment(experiment, overrides or ()), _name(experiment)
    names = list(METHODS) if methods == "all" else list(dict.fromkeys(map(str.strip, methods.split(","))))
    unknown = [Problem("--methods", method, ", ".join(METHODS)) for method in names if method not in METHODS]
    if unknown:
        raise ConfigError(unknown)
    others = _named_files(logits or [], METHODS)
    numbers = range(config.seed, config.seed + seeds)
    plan = f"Compare {name}: {len(names)} methods by {seeds} seeds. {GOES_ON}"
    with progress_of("compare", name, plan, config, verbose) as progress:
        with progress.doing("loading PyTorch, MLflow and the data set"):
            from sfcmt.tuning.comparison import Comparison

            comparison = Comparison(config, names, numbers, oracles, others)
        summary = _told(name, comparison, progress, jobs, is_comparison=True)
    if as_json:
        typer.echo(json.dumps(summary.as_json()))


def predict(
    model: Annotated[str, typer.Argument(help=MODEL_HELP)],
    images: Annotated[list[Path], typer.Argument(help="Image files of the target modality, or folders of them.")],
    run_code: RunCode = False,
    as_json: AsJson = False,
) -> None:
    """Classify images with a model from MLflow or a folder."""
    from dataclasses import asdict

    from sfcmt.tuning.models import predict

    found = predict(model, images, run_code)
    if as_json:
        typer.echo(json.dumps([asdict(one) for one in found]))
        return
    for one in found:
        typer.echo(f"{one.file}: {one.label} ({one.probabilities[one.label]:.1%})")


def gc(
    store: Annotated[str | None, typer.Option(help=STORE_HELP)] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would go.")] = False,
    as_json: AsJson = False,
) -> None:
    """Remove from the store what no study, run or registered model refers to, and no process holds."""
    from sfcmt.tuning.collecting import collect_garbage

    collected = collect_garbage(store or os.environ.get("SFCMT_STORE", "sfcmt-store"), dry_run)
    if as_json:
        typer.echo(json.dumps(collected.as_json()))
        return
    typer.echo("\n".join(collected.lines("would go" if dry_run else "removed")))


def _named_files(given: list[str], taken: Collection[str]) -> dict[str, Path]:
    """`NAME=FILE` options. Raises `ConfigError`."""
    found: dict[str, Path] = {}
    for one in given:
        name, _, file = one.partition("=")
        if not name or not file or name in taken or name in found:
            raise ConfigError([Problem("--logits", one, "NAME=FILE, of a name that is no method's, and each once")])
        found[name] = Path(file)
    return found


def _told(name: str, comparison: Comparison, progress: ProgressLines, jobs: int | None, is_comparison: bool) -> Summary:
    """Train, judge, and log to MLflow, with what there is to see printed as it comes."""
    from sfcmt.tuning.compare import compare, track
    from sfcmt.tuning.show import show_results, show_tracking

    console = Console(soft_wrap=True, highlight=False, markup=False)
    summary = compare(comparison, name, progress, jobs)
    with progress.aside():
        show_results(console, summary, comparison)
    with progress.doing("logging to MLflow"):
        summary.tracking = track(name, comparison, summary, is_comparison)
    with progress.aside():
        show_tracking(console, summary)
    return summary


def _name(experiment: str) -> str:
    return Path(experiment).stem
