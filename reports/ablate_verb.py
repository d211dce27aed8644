"""The verb `ablate`: trains by `tuning`, and says what the results mean."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from tuning.verbs import JOBS_HELP

if TYPE_CHECKING:
    from tuning.ablation.study import Ablation
    from tuning.summary import StageCounter


def register(app: typer.Typer) -> None:
    """Add the verb to the command."""
    app.command()(ablate)


def ablate(
    spec: Annotated[str, typer.Argument(help="An ablation spec (YAML).")],
    overrides: Annotated[list[str] | None, typer.Argument(help="key=value for the experiment: data=FOLDER.")] = None,
    jobs: Annotated[int | None, typer.Option(min=1, help=JOBS_HELP)] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the verdict as the last line.")] = False,
) -> None:
    """Train an ablation's arms and compare them. Run the same command again after any interruption: it goes on."""
    from sfcmt.callbacks import Callbacks
    from sfcmt.progress import ProgressLines, progress_callback
    from tuning.ablation.mirror import AblationMirror
    from tuning.ablation.run import run_ablation
    from tuning.ablation.spec import load_ablation
    from tuning.ablation.study import Ablation
    from tuning.mirroring import mirrored
    from tuning.pausing import PAUSED_EXIT_CODE, PausedError, pausing
    from tuning.summary import StageCounter
    from tuning.training import is_here

    found = Ablation(Path(spec).stem, load_ablation(spec, tuple(overrides or ())))
    mirror, counter = AblationMirror(found), StageCounter()
    try:
        with pausing(), mirrored(mirror), progress_callback() if is_here(jobs) else ProgressLines() as progress:
            run_ablation(found, Callbacks([progress, counter, mirror]), jobs)
    except PausedError:
        typer.echo("Paused; the same command goes on from the last finished epoch.")
        raise typer.Exit(PAUSED_EXIT_CODE) from None
    _show(found, counter, as_json)


def _show(found: Ablation, counter: StageCounter, as_json: bool) -> None:
    """Print the verdict, what was trained, and where the results are."""
    from dataclasses import asdict

    from reports.findings.arms import arm_findings
    from reports.sources.ablation import read_ablation
    from reports.verdict import verdict_tables
    from tuning.ablation.study import RESULTS
    from tuning.search.study_folder import SPEC

    results = read_ablation(found.folder, json.loads((found.folder / SPEC).read_text()))
    console = Console(soft_wrap=True, highlight=False, markup=False)
    for table in verdict_tables(results):
        console.print(table)
    console.print(f"Stages: {len(counter.trained)} trained, {len(counter.found)} found in {found.store.place}.")
    console.print(f"Results: {found.folder / RESULTS}")
    if as_json:
        told = {"study": found.folder.name, "results": str(found.folder / RESULTS), "trained": len(counter.trained)}
        typer.echo(json.dumps(told | {"arms": [asdict(one) for one in arm_findings(results)]}))
