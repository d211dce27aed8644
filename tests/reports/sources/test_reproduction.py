"""What is written for a second run asks for the same study."""

from __future__ import annotations

import shlex
from dataclasses import replace
from pathlib import Path

import pytest

from sfcmt.commit import code_version
from sfcmt.reports.sources.ablation import AblationResults
from sfcmt.reports.sources.reproduction import reproduction_of
from sfcmt.reports.sources.results import Results
from sfcmt.reports.sources.search import SearchResults, read_search
from sfcmt.tuning.ablation.spec import load_ablation
from sfcmt.tuning.search.spec import load_search
from sfcmt.tuning.search.study import Study
from tests.reports.conftest import COMMIT


def command_of(results: Results, folder: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[str, str, tuple[str, ...]]:
    """Verb, spec and overrides of the command that trains, in a folder with the files."""
    found = reproduction_of(results)
    for name, text in found.files.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text)
    monkeypatch.chdir(folder)
    _, verb, spec, *overrides = shlex.split(found.commands[2])
    return verb, spec, tuple(overrides)


def test_of_a_search(searched: SearchResults, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    verb, spec, overrides = command_of(searched, tmp_path, monkeypatch)
    again = Study.of(Path(spec).stem, load_search(spec, overrides))
    assert verb == "tune"
    assert again.folder == searched.folder
    assert again.selection() == searched.selection
    after = read_search(again)
    assert after.table.equals(searched.table)
    assert reproduction_of(after) == reproduction_of(searched)


def test_of_an_ablation(parts: AblationResults, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    verb, spec, overrides = command_of(parts, tmp_path, monkeypatch)
    again = load_ablation(spec, overrides)
    assert verb == "ablate"
    assert again.design == parts.checked.design
    assert again.spec.test == parts.spec.test
    assert again.experiment.model_dump(exclude={"runtime"}) == parts.experiment.model_dump(exclude={"runtime"})
    assert reproduction_of(parts).commands[0] == f"git checkout {COMMIT}"


@pytest.mark.parametrize(
    ("commit", "told"),
    [
        ("missing", "# git commit: missing (the study did not write it down)"),
        ("sfcmt 1.0", "# code: sfcmt 1.0"),
        ("0" * 40 + "-dirty", f"# code: {'0' * 40}-dirty"),
        ("0" * 40, f"git checkout {'0' * 40}"),
    ],
)
def test_only_a_commit_can_be_checked_out(searched: SearchResults, commit: str, told: str) -> None:
    provenance = replace(searched.provenance, commit=commit)
    assert reproduction_of(replace(searched, provenance=provenance)).commands[0] == told


def test_a_study_writes_down_the_code_that_it_began_with(searched: SearchResults) -> None:
    assert searched.saved["commit"] == searched.provenance.commit == code_version()


def test_no_password_gets_out(searched: SearchResults) -> None:
    saved = searched.saved | {"spec": searched.saved["spec"] | {"storage": "postgresql://me:secret@host/studies"}}
    found = reproduction_of(replace(searched, saved=saved))
    assert "secret" not in str(found)
