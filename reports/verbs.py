"""Verbs of reports: `demo`, `report`, `audit`, `promote`, `history`, `rollback`, `drift`.

Imports are late: verbs must start fast.
"""

from __future__ import annotations

from typing import Annotated

import typer

from sfcmt.errors import ConfigError, Problem
from sfcmt.reports.audit.verb import audit
from sfcmt.reports.demo_verb import demo
from sfcmt.reports.drift_verb import drift
from sfcmt.reports.registry.alias import Alias
from sfcmt.reports.report_verb import report

ModelOption = Annotated[str, typer.Option("--model", help="Name in MLflow's registry.")]
ModelArgument = Annotated[str, typer.Argument(help="Name in MLflow's registry.")]
Reason = Annotated[str, typer.Option(help="Kept in the history.")]


def register(app: typer.Typer) -> None:
    """Add the verbs to the command."""
    app.command()(demo)
    app.command()(report)
    app.command()(audit)
    app.command()(promote)
    app.command()(history)
    app.command()(rollback)
    app.command()(drift)


def promote(
    study: Annotated[str, typer.Argument(help="A finished study's name or folder.")],
    model: ModelOption,
    role: Annotated[Alias, typer.Option("--as", help="champion: only if it beats the present one.")] = Alias.CHALLENGER,
    distilled: Annotated[bool, typer.Option(help="Not the winner: what sfcmt distill made of the study.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Champion without beating the present one.")] = False,
    audited: Annotated[
        bool, typer.Option("--audit", help="Champion by a complete audit of both models: see sfcmt audit.")
    ] = False,
    reason: Reason = "",
    store: Annotated[str | None, typer.Option(help="Folder or URI of the store.", envvar="SFCMT_STORE")] = None,
) -> None:
    """Register a study's model in MLflow, as challenger or as champion."""
    if force and not reason:
        raise ConfigError([Problem("--reason", reason, "why this is forced")])
    if force and role is not Alias.CHAMPION:
        raise ConfigError([Problem("--force", force, "together with --as champion only")])
    if audited and role is not Alias.CHAMPION:
        raise ConfigError([Problem("--audit", audited, "together with --as champion only")])
    from sfcmt.reports.registry.candidate import Candidate
    from sfcmt.reports.registry.promotion import promote as promote_candidate
    from sfcmt.tuning.search.study import Study

    found = Study.find(study, store or "sfcmt-store")
    candidate = Candidate.distilled(found) if distilled else Candidate.winner(found)
    moves = promote_candidate(candidate, model, role, reason, force, audited)
    for move in moves:
        before = move.before or "none"
        typer.echo(f"{model} version {move.version} is {move.alias} ({move.action}; before: {before})")
        for one in move.evidence:
            typer.echo(f"  {one}")
    if not moves:
        typer.echo(f"{model}: nothing to move, it is so already")


def history(
    model: ModelArgument,
    on: Annotated[str | None, typer.Option(help="A date (its end) or a time, UTC: who was champion then?")] = None,
) -> None:
    """Show every move of a registered model's aliases, or who was champion on a date."""
    from sfcmt.reports.registry.history import moment_of
    from sfcmt.reports.registry.show import history_lines, past_champion, present_champion, read_history

    moment = moment_of(on) if on else None
    events = read_history(model)
    now = present_champion(model, events)
    lines = [past_champion(model, events, moment)] if moment else [*history_lines(events), now]
    typer.echo("\n".join(lines))


def rollback(model: ModelArgument, reason: Reason = "") -> None:
    """Make the champion before this one champion again."""
    from sfcmt.reports.registry.promotion import rollback as roll_back

    move = roll_back(model, reason)
    typer.echo(f"{model} version {move.version} is {move.alias} again (before: {move.before})")
