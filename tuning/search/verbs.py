"""Verbs of searches: `tune`, `study`, `distill`, `score`, `schema`."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console

from sfcmt.tuning.kinds import StudyKind
from sfcmt.tuning.verbs import GOES_ON, Verbose

if TYPE_CHECKING:
    from sfcmt.progress.lines import ProgressLines
    from sfcmt.tuning.search.spec import CheckedSearch
    from sfcmt.tuning.search.study import Study

StudyArgument = Annotated[str, typer.Argument(help="A study's name or folder.")]
StoreOption = Annotated[
    str | None, typer.Option(help="Folder or URI of the store (default: SFCMT_STORE, or ./sfcmt-store).")
]

_FILE_WIDTH = 1000
"""Of what goes to no terminal: there a trial has one line, however long."""


def register(app: typer.Typer) -> None:
    """Add the verbs to the command."""
    app.command("tune")(tune_)
    app.command()(study)
    app.command()(distill)
    app.command()(score)
    app.command()(schema)


def tune_(
    spec: Annotated[str, typer.Argument(help="A search spec (YAML).")],
    overrides: Annotated[list[str] | None, typer.Argument(help="key=value for the experiment: data=FOLDER.")] = None,
    trials: Annotated[
        int | None, typer.Option(min=1, help="Trials in all, in place of the spec's: more of them extend the study.")
    ] = None,
    verbose: Verbose = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the selection as the last line.")] = False,
) -> None:
    """Search without sealed labels. Run the same command again after any interruption: it goes on."""
    from sfcmt.tuning.pausing import PAUSED_EXIT_CODE, PausedError
    from sfcmt.tuning.progress import progress_of
    from sfcmt.tuning.search.spec import load_search

    name, checked = Path(spec).stem, load_search(spec, tuple(overrides or ()), trials)
    console = Console(soft_wrap=True, highlight=False, markup=False)
    try:
        with progress_of("tune", name, _plan(name, checked), checked.experiment, verbose) as progress:
            found, selection = _searched(name, checked, progress)
    except PausedError:
        console.print("Paused; the same command goes on from the last finished epoch of each trial.")
        raise typer.Exit(PAUSED_EXIT_CODE) from None
    _show_winner(console, found, selection)
    if as_json:
        typer.echo(json.dumps(selection))


def _plan(name: str, checked: CheckedSearch) -> str:
    """What a search will do, in a few sentences."""
    spec = checked.spec
    return (
        f"Search {name}: {spec.search.trials} trials over {len(checked.space)} fields ({spec.search.sampler}); "
        f"objective {', '.join(spec.objective.names)}, pick {spec.pick_name}. "
        "Ctrl-C pauses; the same command goes on."
    )


def _searched(name: str, checked: CheckedSearch, progress: ProgressLines) -> tuple[Study, dict[str, Any]]:
    """Run a search to its end. What takes long to load is loaded when the plan has been told."""
    with progress.doing("opening the data set and the study"):
        from sfcmt.tuning.search.show import few_labels_lines
        from sfcmt.tuning.search.study import Study

        found = Study.of(name, checked)
    progress.say(f"Study: {found.folder}")
    for line in few_labels_lines(found):
        progress.say(line)
    for other, differs in found.others.items():
        progress.say(f"It is not {other}, which is left as it is: {'; '.join(differs)}")
    with progress.doing("loading PyTorch, Ray and MLflow"):
        from sfcmt.tuning.search.tune import tune
    return found, tune(found, progress)


def _show_winner(console: Console, found: Study, selection: dict[str, Any]) -> None:
    """Print the winner, and what to do next."""
    from sfcmt.grounding.wording import gate_text
    from sfcmt.tuning.search.show import saved_seconds
    from sfcmt.tuning.search.study import extension_text, gate_of
    from sfcmt.tuning.search.study_folder import SELECTION

    by = f"{selection['pick']}, {found.record.chosen}" if found.record.few_labels else selection["pick"]
    console.print(f"Winner: trial {selection['winner']} by {by}: {selection['values']}")
    console.print(gate_text(gate_of(selection), str(selection["winner"])))
    if extended := extension_text(selection):
        console.print(f"The search was {extended}; the first selection is kept in {found.folder / SELECTION}.")
    console.print(f"Reused stages saved {saved_seconds(found):.0f} s of training.")
    console.print(f"Study: {found.folder}")
    console.print(
        f"  sfcmt study {found.folder}    its trials\n  sfcmt score {found.folder}    judged by the sealed labels"
    )


def study(study: StudyArgument, store: StoreOption = None) -> None:
    """Show a study as a tree: stages that were shared, trials with states and values, and the time that saved."""
    from sfcmt.tuning.search.show import saved_seconds
    from sfcmt.tuning.search.study import Study
    from sfcmt.tuning.search.tree import study_tree

    found = Study.find(study, _store(store))
    width = None if sys.stdout.isatty() else _FILE_WIDTH
    console = Console(highlight=False, markup=False, width=width)
    console.print(study_tree(found))
    console.print(f"Reused stages saved {saved_seconds(found):.0f} s of training.")


def distill(study: StudyArgument, store: StoreOption = None, verbose: Verbose = False) -> None:
    """Distil all finished trials of a study into one model; no label is read."""
    from sfcmt.tuning.progress import progress_of
    from sfcmt.tuning.search.study import Study

    found = Study.find(study, _store(store))
    plan = f"Distill {found.name}: one model of its finished trials. {GOES_ON}"
    with progress_of("distill", found.name, plan, found.experiment, verbose) as progress:
        with progress.doing("loading PyTorch and MLflow"):
            from sfcmt.tuning.mlflow_sync import synced
            from sfcmt.tuning.search.distilling import distill_study
            from sfcmt.tuning.search.mlflow_sync import SearchSync
        with synced(SearchSync(found), progress):
            distilled = distill_study(found, progress)
    console = Console(soft_wrap=True, highlight=False, markup=False)
    console.print(f"Distilled {len(distilled['trials'])} trials into {found.transfer(distilled['transfer'])}")
    console.print(f"  sfcmt score {found.folder}    judged by the sealed labels, beside the trials")


def score(study: StudyArgument, store: StoreOption = None) -> None:
    """Open the labels, now that the winner is written, and judge the trials and the validators."""
    from sfcmt.tuning.search.distilling import DISTILLED
    from sfcmt.tuning.search.mlflow_sync import log_scores
    from sfcmt.tuning.search.scoring import score_study
    from sfcmt.tuning.search.show import regret_text, scores_table
    from sfcmt.tuning.search.study import Study

    found = Study.find(study, _store(store))
    scores = score_study(found)
    console = Console(soft_wrap=True, highlight=False)
    console.print(scores_table(scores, found.dataset_now()))
    winner = scores["oracle_balanced_accuracy"][str(scores["winner"])]
    console.print(
        f"Winner, trial {scores['winner']}: {100 * winner:.1f} % class-balanced; regret {100 * scores['regret']:.1f} "
        f"points, cross-fitted {regret_text(scores['cross_fitted_regret'])} (the worst trial's: "
        f"{100 * scores['worst_regret']:.1f})."
    )
    if held_out := scores.get("oracle_held_out_balanced_accuracy"):
        console.print(
            f"On images held out of adaptation: {100 * held_out[str(scores['winner'])]:.1f} % class-balanced."
        )
    if (distilled := scores["oracle_balanced_accuracy"].get(DISTILLED)) is not None:
        console.print(f"Distilled from the pool: {100 * distilled:.1f} % class-balanced.")
    log_scores(found, scores)


def schema(
    kind: Annotated[StudyKind, typer.Argument(help="The kind of specs.")] = StudyKind.SEARCH,
) -> None:
    """Print the JSON Schema of search or ablation specs, for editors."""
    from sfcmt.tuning.ablation.spec import AblationSpec
    from sfcmt.tuning.search.spec import SearchSpec

    model = SearchSpec if kind is StudyKind.SEARCH else AblationSpec
    typer.echo(json.dumps(model.model_json_schema(), indent=2))


def _store(store: str | None) -> str:
    return store or os.environ.get("SFCMT_STORE", "sfcmt-store")
