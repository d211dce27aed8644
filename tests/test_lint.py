"""Lint, format and types: in the suite, so that they are checked beside tests that wait for processes."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
COMMANDS = [("ruff", "check", "."), ("ruff", "format", "--check", "."), ("mypy",)]


@pytest.mark.slow
@pytest.mark.xdist_group("lint")
@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_nothing_is_found(command: tuple[str, ...]) -> None:
    done = subprocess.run([sys.executable, "-m", *command], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
