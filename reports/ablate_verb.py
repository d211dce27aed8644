"""The verb `ablate`: trains by `tuning`, and says what the results mean."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from sfcmt.tuning.verbs import JOBS_HELP, Verbose

if TYPE_CHECKING:
    from sfcmt.progress.lines import ProgressLines
    from sfcmt.reports.sources.ablation import AblationResults
    from sfcmt.tuning.ablation.spec import CheckedAblation
    from sfcmt.tuning.summary import StageCounter


def register(app: typer.Typer) -> None:
    """Add the verb to the command."""
    app.command()(ablate)


def ablate(
    spec: Annotated[str, typer.Argument(help="An ablation spec (YAML).")],
    overrides: Annotated[list[str] | None, typer.Argument(help="key=value for the experiment: data=FOLDER.")] = None,
    jobs: Annotated[int | None, typer.Option(min=1, help=JOBS_HELP)] = None,
    verbose: Verbose = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the verdict as the last line.")] = False,
) -> None:
    """Train an ablation's arms and compare them. Run the same command again after any interruption: it goes on."""
    from sfcmt.tuning.ablation.spec import load_ablation
    from sfcmt.tuning.pausing import PAUSED_EXIT_CODE, PausedError, pausing
    from sfcmt.tuning.progress import progress_of

    name, checked = Path(spec).stem, load_ablation(spec, tuple(overrides or ()))
    try:
        with pausing(), progress_of("ablate", name, _plan(name, checked), checked.experiment, verbose) as progress:
            found, counter = _trained(name, checked, progress, jobs)
    except PausedError:
        typer.echo("Paused; the same command goes on from the last finished epoch.")
        raise typer.Exit(PAUSED_EXIT_CODE) from None
    _show(found, counter, as_json)


def _plan(name: str, checked: CheckedAblation) -> str:
    """What an ablation will do, in a few sentences."""
    spec, arms = checked.spec, len(checked.design.arms)
    seeds = str(spec.seeds) if isinstance(spec.seeds, int) else f"{spec.seeds.min} to {spec.seeds.max}"
    oracles = ", oracles too" if spec.oracles else ""
    return (
        f"Ablation {name}: {arms} arms ({spec.design}) by {seeds} seeds{oracles}; "
        f"{spec.test.metric} compared by {spec.test.kind}. Ctrl-C pauses; the same command goes on."
    )


def _trained(
    name: str, checked: CheckedAblation, progress: ProgressLines, jobs: int | None
) -> tuple[AblationResults, StageCounter]:
    """Run an ablation to its end. What takes long to load is loaded when the plan has been told."""
    with progress.doing("loading PyTorch, MLflow and the data set"):
        from sfcmt.callbacks import Callbacks
        from sfcmt.reports.ablate import ablate
        from sfcmt.tuning.ablation.study import Ablation
        from sfcmt.tuning.summary import StageCounter

        found = Ablation(name, checked)
    progress.say(f"Study: {found.folder}")
    counter = StageCounter()
    return ablate(found, Callbacks([progress, counter]), jobs), counter


def _show(results: AblationResults, counter: StageCounter, as_json: bool) -> None:
    """Print the verdict, what was trained, and where the results are."""
    from dataclasses import asdict

    from sfcmt.reports.findings.arms import arm_findings
    from sfcmt.reports.verdict import verdict_tables
    from sfcmt.tuning.ablation.study import RESULTS

    console = Console(soft_wrap=True, highlight=False, markup=False)
    for table in verdict_tables(results):
        console.print(table)
    console.print(f"Stages: {len(counter.trained)} trained, {len(counter.found)} found in {results.store.place}.")
    console.print(f"Results: {results.folder / RESULTS}")
    if as_json:
        told = {"study": results.folder.name, "results": str(results.folder / RESULTS), "trained": len(counter.trained)}
        typer.echo(json.dumps(told | {"arms": [asdict(one) for one in arm_findings(results)]}))
