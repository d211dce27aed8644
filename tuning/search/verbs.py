"""Verbs of searches: `tune`, `study`, `distill`, `score`, `schema`."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from tuning.kinds import StudyKind

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
    as_json: Annotated[bool, typer.Option("--json", help="Print the selection as the last line.")] = False,
) -> None:
    """Search without labels. Run the same command again after any interruption: it goes on."""
    from tuning.mirroring import mirrored
    from tuning.pausing import PAUSED_EXIT_CODE, PausedError
    from tuning.search.mirror import Mirror
    from tuning.search.run import run_study
    from tuning.search.show import saved_seconds, watched
    from tuning.search.spec import load_search
    from tuning.search.study import Study

    found = Study(Path(spec).stem, load_search(spec, tuple(overrides or ())))
    console = Console(soft_wrap=True, highlight=False, markup=False)
    try:
        with mirrored(Mirror(found)), watched(found) as callbacks:
            selection = run_study(found, callbacks)
    except PausedError:
        console.print("Paused; the same command goes on from the last finished epoch of each trial.")
        raise typer.Exit(PAUSED_EXIT_CODE) from None
    console.print(f"Winner: trial {selection['winner']} by {selection['pick']}: {selection['values']}")
    console.print(f"Reused stages saved {saved_seconds(found):.0f} s of training.")
    console.print(f"Study: {found.folder}")
    console.print(
        f"  sfcmt study {found.folder}    its trials\n  sfcmt score {found.folder}    judged by the sealed labels"
    )
    if as_json:
        typer.echo(json.dumps(selection))


def study(study: StudyArgument, store: StoreOption = None) -> None:
    """Show a study as a tree: stages that were shared, trials with states and values, and the time that saved."""
    from tuning.search.show import saved_seconds
    from tuning.search.study import Study
    from tuning.search.tree import study_tree

    found = Study.find(study, _store(store))
    width = None if sys.stdout.isatty() else _FILE_WIDTH
    console = Console(highlight=False, markup=False, width=width)
    console.print(study_tree(found))
    console.print(f"Reused stages saved {saved_seconds(found):.0f} s of training.")


def distill(study: StudyArgument, store: StoreOption = None) -> None:
    """Distil all finished trials of a study into one model, without labels."""
    from sfcmt.progress import progress_callback
    from tuning.mirroring import mirrored
    from tuning.search.distilling import distill_study
    from tuning.search.mirror import Mirror
    from tuning.search.study import Study

    found = Study.find(study, _store(store))
    with mirrored(Mirror(found)), progress_callback() as progress:
        distilled = distill_study(found, progress)
    console = Console(soft_wrap=True, highlight=False, markup=False)
    console.print(f"Distilled {len(distilled['trials'])} trials into {found.transfer(distilled['transfer'])}")
    console.print(f"  sfcmt score {found.folder}    judged by the sealed labels, beside the trials")


def score(study: StudyArgument, store: StoreOption = None) -> None:
    """Open the labels, now that the winner is written, and judge the trials and the validators."""
    from tuning.search.distilling import DISTILLED
    from tuning.search.mirror import log_scores
    from tuning.search.scoring import score_study
    from tuning.search.show import scores_table
    from tuning.search.study import Study

    found = Study.find(study, _store(store))
    scores = score_study(found)
    console = Console(soft_wrap=True, highlight=False)
    console.print(scores_table(scores))
    winner = scores["oracle_balanced_accuracy"][str(scores["winner"])]
    console.print(
        f"Winner, trial {scores['winner']}: {100 * winner:.1f} % class-balanced; regret {100 * scores['regret']:.1f} "
        f"points (the worst trial's: {100 * scores['worst_regret']:.1f})."
    )
    if (distilled := scores["oracle_balanced_accuracy"].get(DISTILLED)) is not None:
        console.print(f"Distilled from the pool: {100 * distilled:.1f} % class-balanced.")
    log_scores(found, scores)


def schema(
    kind: Annotated[StudyKind, typer.Argument(help="The kind of specs.")] = StudyKind.SEARCH,
) -> None:
    """Print the JSON Schema of search or ablation specs, for editors."""
    from tuning.ablation.spec import AblationSpec
    from tuning.search.spec import SearchSpec

    model = SearchSpec if kind is StudyKind.SEARCH else AblationSpec
    typer.echo(json.dumps(model.model_json_schema(), indent=2))


def _store(store: str | None) -> str:
    return store or os.environ.get("SFCMT_STORE", "sfcmt-store")
