"""The command `sfcmt`. Each room registers its own verbs through the entry points `sfcmt.verbs`."""

from __future__ import annotations

import sys
from contextlib import suppress
from importlib.metadata import entry_points
from io import TextIOWrapper

import typer
from rich.console import Console

from sfcmt.durable import disk_errors
from sfcmt.errors import ConfigError, SfcmtError

_INTERRUPTED = 130


def build_app() -> typer.Typer:
    """The command with the verbs of all installed rooms."""
    app = typer.Typer(
        name="sfcmt",
        help="Move a classifier from RGB to depth or infrared, without its training data and without target labels.",
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        add_completion=False,
    )
    for entry in sorted(entry_points(group="sfcmt.verbs")):
        entry.load()(app)
    return app


def main() -> None:
    """Run the command. A user's mistake is one line a problem on standard error, and exit code 2."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            with suppress(OSError):  # of a file that has become a pipe; the change is made before
                stream.reconfigure(errors="replace")  # a sign that a terminal or a pipe lacks must not end a run
    try:
        with disk_errors("the disk"):
            build_app()()
    except SfcmtError as error:
        console = Console(stderr=True, soft_wrap=True, highlight=False)
        problems = error.problems if isinstance(error, ConfigError) else [error]
        for problem in problems:
            console.print("[bold red]error:[/]", end=" ")
            console.print(str(problem), markup=False)
        sys.exit(2)
    except (KeyboardInterrupt, SystemExit) as leaving:  # typer makes the former the latter
        if getattr(leaving, "code", _INTERRUPTED) != _INTERRUPTED:
            raise
        message = "interrupted; the same command goes on from the last finished epoch"
        Console(stderr=True, soft_wrap=True).print(message)
        sys.exit(_INTERRUPTED)
