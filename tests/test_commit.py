"""The commit of a working tree, by git itself."""

from __future__ import annotations

import subprocess
from pathlib import Path

import sfcmt
from sfcmt.commit import code_version, commit_of


def git(folder: Path, *arguments: str) -> str:
    identity = ["-c", "user.name=ada", "-c", "user.email=ada@example.org"]
    command = ["git", "-C", str(folder), *identity, *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def test_a_commit_and_what_has_changed_since(tmp_path: Path) -> None:
    assert commit_of(tmp_path) is None
    git(tmp_path, "init")
    (tmp_path / "file").write_text("one")
    git(tmp_path, "add", "file")
    git(tmp_path, "commit", "-m", "one")
    git(tmp_path, "tag", "-a", "v1", "-m", "one")
    commit = git(tmp_path, "rev-parse", "HEAD")
    assert commit_of(tmp_path) == commit
    (tmp_path / "file").write_text("two")
    assert commit_of(tmp_path) == f"{commit}-dirty"


def test_this_code_is_at_the_commit_of_its_own_checkout() -> None:
    folder = Path(sfcmt.__file__).parent
    assert code_version() == git(folder, "describe", "--always", "--dirty", "--abbrev=40", "--exclude=*")
