"""Where Optuna studies are kept in tests: a journal file, SQLite, and a real PostgreSQL server of the tests' own."""

from __future__ import annotations

import importlib.util
import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest


@contextmanager
def postgres() -> Iterator[str]:
    """URL of a database on a fresh server, which ends with the block. Skips where there is no PostgreSQL."""
    if importlib.util.find_spec("psycopg2") is None:
        pytest.skip("psycopg2 is not installed")
    programs = sorted(Path("/usr/lib/postgresql").glob("*/bin/pg_ctl"))
    found = programs[-1] if programs else shutil.which("pg_ctl")
    if found is None:
        pytest.skip("there is no PostgreSQL on this machine")
    user = "postgres" if os.geteuid() == 0 else None  # the server refuses to run as root
    folder = Path(tempfile.mkdtemp(prefix="sfcmt-postgres-"))
    if user:
        shutil.chown(folder, user)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]

    def control(*arguments: str) -> None:
        command = [str(found), "-D", str(folder / "data"), "-w", *arguments]
        subprocess.run(command, user=user, cwd=folder, check=True, stdout=subprocess.DEVNULL)

    try:
        control("init", "-o", "-A trust -U tests -N")
        control("start", "-l", str(folder / "log"), "-o", f"-h 127.0.0.1 -p {port} -k {folder} -F")
        yield f"postgresql+psycopg2://tests@127.0.0.1:{port}/postgres"
    finally:
        if (folder / "data" / "postmaster.pid").exists():
            control("stop", "-m", "immediate")
        shutil.rmtree(folder)
