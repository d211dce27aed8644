"""What is printed where a terminal or a pipe lacks a sign."""

from __future__ import annotations

import sys
from collections.abc import Callable
from io import BytesIO, TextIOWrapper

import pytest
import typer
from rich.console import Console

from sfcmt import cli


@pytest.mark.parametrize("say", [print, typer.echo, lambda text: Console().print(text)], ids=["print", "echo", "rich"])
@pytest.mark.parametrize("stream", ["stdout", "stderr"])
def test_a_sign_that_the_output_lacks_ends_nothing(
    monkeypatch: pytest.MonkeyPatch, say: Callable[[str], None], stream: str
) -> None:
    written = BytesIO()
    monkeypatch.setattr(sys, stream, TextIOWrapper(written, encoding="ascii"))
    monkeypatch.setattr(sys, "stdout", getattr(sys, stream))
    monkeypatch.setattr(cli, "build_app", lambda: lambda: say("0.5 \N{PLUS-MINUS SIGN} 0.1"))
    cli.main()
    sys.stdout.flush()
    assert written.getvalue().startswith(b"0.5 ")
    assert written.getvalue().rstrip().endswith(b" 0.1")
