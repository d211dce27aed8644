"""Verbs of clusters: `submit`, `job`, `doctor`. What they need is imported late: the command must start fast."""

from __future__ import annotations

import os
import signal
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from time import time
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Table

from sfcmt.clusters.connection import ADDRESS_VARIABLES, DEFAULT_ADDRESS

if TYPE_CHECKING:
    from ray.job_submission import JobDetails, JobSubmissionClient

Address = Annotated[
    str, typer.Option(envvar=ADDRESS_VARIABLES, help="The cluster's dashboard, such as http://HEAD:8265.")
]
JobArgument = Annotated[str, typer.Argument(metavar="ID", help="A job's id; see: sfcmt job list")]


def register(app: typer.Typer) -> None:
    """Add the verbs to the command."""
    app.command()(submit)
    job = typer.Typer(help="List, follow and stop submitted jobs.", no_args_is_help=True)
    job.command("list")(list_)
    job.command("status")(status)
    job.command("logs")(logs)
    job.command("stop")(stop)
    app.add_typer(job, name="job")
    app.command()(doctor)


def submit(
    command: Annotated[list[str], typer.Argument(help="After --, a command of sfcmt: tune hunt.yaml data=/shared/nyu")],
    address: Address = DEFAULT_ADDRESS,
    follow: Annotated[bool, typer.Option(help="Print the job's log, and end with its exit code.")] = True,
    install: Annotated[
        bool, typer.Option(help="Install this checkout as constraints.txt says, if the cluster's image lacks it.")
    ] = False,
    env: Annotated[
        list[str] | None,
        typer.Option(help="A further variable of yours that the job gets. The cluster's users can read it."),
    ] = None,
) -> None:
    """Run a command of sfcmt on a cluster. The same command again joins its job, or goes on where it ended.

    The working directory is packed, without what .gitignore and .rayignore name. The job gets MLFLOW_TRACKING_URI,
    MLFLOW_S3_ENDPOINT_URL, SFCMT_STORE, AWS_ENDPOINT_URL, AWS_REGION and AWS_DEFAULT_REGION, if set.
    """
    from sfcmt.clusters.connection import connect, use_token
    from sfcmt.clusters.submit import Submission, passed_on, submit_or_join

    _check_command(command)
    use_token()  # before Ray is imported, which packs
    submission = Submission(tuple(command), Path.cwd(), passed_on(env or ()), install)
    client = connect(address)
    job_id, joined = submit_or_join(client, submission)
    given = ", ".join(submission.variables) or "no variables"
    typer.echo(f"{job_id}: runs already; joined" if joined else f"{job_id}: submitted, with {given}")
    if not (joined or "MLFLOW_TRACKING_URI" in submission.variables):
        typer.echo("MLFLOW_TRACKING_URI is unset: unless the cluster sets it, MLflow's runs are beside the store")
    if follow:
        _follow(client, job_id)


def list_(address: Address = DEFAULT_ADDRESS) -> None:
    """Show all submitted jobs, the newest first."""
    from sfcmt.clusters.connection import connect
    from sfcmt.clusters.jobs import submitted_jobs

    table = Table("job", "state", "age", "command", box=None, pad_edge=False)
    for job in submitted_jobs(connect(address)):
        table.add_row(job.submission_id, _state(job), _since(job.start_time), job.entrypoint)
    Console(markup=False, highlight=False, soft_wrap=True).print(table)


def status(job_id: JobArgument, address: Address = DEFAULT_ADDRESS) -> None:
    """Show one job."""
    from sfcmt.clusters.connection import connect
    from sfcmt.clusters.jobs import ending, find_job

    job = find_job(connect(address), job_id)
    typer.echo(f"{_state(job)}, submitted {_since(job.start_time)} ago: {job.entrypoint}")
    if job.status.is_terminal():
        typer.echo(ending(job))


def logs(
    job_id: JobArgument,
    address: Address = DEFAULT_ADDRESS,
    follow: Annotated[bool, typer.Option("--follow", help="Until the job ends; with its exit code.")] = False,
) -> None:
    """Print a job's log."""
    from sfcmt.clusters.connection import connect, plain_errors
    from sfcmt.clusters.jobs import find_job

    client = connect(address)
    find_job(client, job_id)
    if follow:
        _follow(client, job_id)
    else:
        with plain_errors(address):
            typer.echo(client.get_job_logs(job_id), nl=False)


def stop(job_id: JobArgument, address: Address = DEFAULT_ADDRESS) -> None:
    """End a job; a search pauses, and goes on when it is submitted again."""
    from sfcmt.clusters.connection import connect
    from sfcmt.clusters.jobs import ending
    from sfcmt.clusters.jobs import stop as stop_job

    typer.echo(ending(stop_job(connect(address), job_id)))


def doctor(
    address: Annotated[
        str | None,
        typer.Option(envvar=ADDRESS_VARIABLES, help="Look at this cluster, too: http://HEAD:8265, or auto on a node."),
    ] = None,
    store: Annotated[str | None, typer.Option(help="The store (default: SFCMT_STORE, or ./sfcmt-store).")] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one machine-readable object as the last line.")
    ] = False,
) -> None:
    """Look at this machine, and at a cluster: what is wrong, and what to do. Exit code 1 if anything is."""
    from sfcmt.clusters import doctor as looking

    findings = list(looking.diagnose(address, store))
    if as_json:
        typer.echo(looking.as_json(findings))
    else:
        Console(markup=False, highlight=False).print(looking.table_of(findings))
    raise typer.Exit(not all(finding.is_well for finding in findings))


def _follow(client: JobSubmissionClient, job_id: str) -> None:
    """Print the log to its end, then leave with the job's exit code. Ctrl-C leaves the job alone."""
    from sfcmt.clusters.jobs import ending, exit_code, follow

    try:
        job = follow(client, job_id)
    except KeyboardInterrupt:
        typer.echo(f"\n{job_id}: runs on; sfcmt job logs {job_id} --follow, or sfcmt job stop {job_id}", err=True)
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        os.kill(os.getpid(), signal.SIGINT)  # end as whoever was interrupted does, without the command's own word on it
    typer.echo(ending(job), err=exit_code(job) != 0)
    raise typer.Exit(exit_code(job))


def _check_command(command: Sequence[str]) -> None:
    """Let the command's own parser refuse here what it would refuse in the job."""
    from sfcmt.cli import build_app

    group = typer.main.get_command(build_app())
    assert isinstance(group, typer.core.TyperGroup)
    with group.make_context("sfcmt", list(command)) as context:
        name, verb, rest = group.resolve_command(context, list(command))
        assert verb is not None
        verb.make_context(name, rest, parent=context)


def _state(job: JobDetails) -> str:
    code = "" if job.driver_exit_code in (None, 0) else f" ({job.driver_exit_code})"
    return f"{str(job.status).lower()}{code}"


def _since(start_ms: int | None) -> str:
    return str(timedelta(seconds=int(time() - (start_ms or 0) / 1000)))
