"""Members of plug-in points that somebody else's package adds by entry points."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from sfcmt.identity import versions
from sfcmt.registry import PluginError, Registry
from tests.test_registry import ALL

METHOD = '''"""Foreign copy: the source model on channel copies, by another package."""

from sfcmt.stages.method import METHODS, Method


@METHODS.register("foreign_copy")
class ForeignCopy(Method):
    """F_t = F_s."""

    trains = False

    def adapt(self, context):
        return context.target_model(context.source)
'''
TERM = '''"""Norm: the student's logits stay small, by another package."""

from sfcmt.stages.term import Term
from sfcmt.stages.terms import TERMS


@TERMS.register("foreign_norm")
class ForeignNorm(Term):
    def forward(self, step):
        return step.target.logits_BK.float().square().mean()
'''
IDENTITY = """
import sys
from pathlib import Path
from sfcmt.testing.tiny import get_or_train, recipe_of, tiny_experiment
experiment = tiny_experiment(Path(sys.argv[1]), Path(sys.argv[2])).with_method("foreign_copy")
print(recipe_of("transfer", experiment).document["versions"])
print(recipe_of("transfer", experiment).identity == get_or_train("transfer", experiment).identity)
terms = {"terms": {"foreign_norm": 0.1}, "epochs": 1}
experiment = tiny_experiment(Path(sys.argv[1]), Path(sys.argv[2]), method="shot", transfer=terms)
print(recipe_of("transfer", experiment).document["versions"])
print("foreign_norm" in get_or_train("transfer", experiment).curves[0])
"""


def distribution(folder: Path, entries: Mapping[str, str], version: str = "1.0") -> Path:
    """An installed distribution `theirs` with the method, and these entry points by group."""
    info = folder / f"theirs-{version}.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: theirs\nVersion: {version}\n")
    (info / "entry_points.txt").write_text("".join(f"[{group}]\n{entry}\n" for group, entry in entries.items()))
    (info / "top_level.txt").write_text("theirs\n")
    (folder / "theirs").mkdir()
    (folder / "theirs" / "__init__.py").touch()
    (folder / "theirs" / "copying.py").write_text(METHOD)
    (folder / "theirs" / "norm.py").write_text(TERM)
    (folder / "theirs" / "broken.py").write_text("def broken(:\n")
    return folder


def run(folder: Path, *command: str) -> str:
    environment = {**os.environ, "COLUMNS": "200", "PYTHONPATH": os.pathsep.join([str(folder), str(Path.cwd())])}
    return subprocess.run(
        [sys.executable, *command], env=environment, capture_output=True, text=True, check=True
    ).stdout


def test_each_point_has_a_group_of_its_own() -> None:
    groups = [registry.group for registry in ALL]
    kinds = ["method", "validator", "pool_validator", "translator", "weighting", "importer", "export_format"]
    kinds += ["fixed_translator", "term"]
    assert groups == [f"sfcmt.{kind}s" for kind in kinds]


@pytest.mark.slow
def test_a_method_and_a_term_are_listed_trained_and_told_apart_by_their_distributions_version(
    tiny_data: Path, tmp_path: Path
) -> None:
    entries = {"sfcmt.methods": "foreign_copy = theirs.copying", "sfcmt.terms": "foreign_norm = theirs.norm"}
    theirs = distribution(tmp_path / "site", entries)
    listed = run(theirs, "-m", "sfcmt", "list")
    assert "Foreign copy: the source model on channel copies" in listed
    assert "Norm: the student's logits stay small, by another package." in listed
    told = run(theirs, "-c", IDENTITY, str(tiny_data), str(tmp_path / "store")).splitlines()
    assert told == ["{'theirs.copying': '1 of theirs 1.0'}", "True", "{'theirs.norm': '1 of theirs 1.0'}", "True"]


def test_what_is_not_installed_is_named() -> None:
    assert versions(["tests.golden"]) == {"tests.golden": "1 of tests.golden"}


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ("other = theirs", "theirs: registers no method called other"),
        ("other = theirs.nowhere", "theirs.nowhere: no such module, though it is said to be the method other"),
        ("other = nowhere.at.all", "nowhere.at.all: no such module, though it is said to be the method other"),
        ("other = theirs\nother = theirs.copying", "theirs.copying: other is the name of another method already"),
        ("other = theirs.broken", r"theirs.broken: cannot be imported \(invalid syntax"),
    ],
)
def test_one_that_cannot_be_used_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, entry: str, message: str
) -> None:
    monkeypatch.syspath_prepend(distribution(tmp_path / "site", {"sfcmt.methods": entry}))
    monkeypatch.delitem(sys.modules, "theirs", raising=False)
    registry: Registry[object] = Registry("method", "sfcmt.stages.methods")
    with pytest.raises(PluginError, match=message):
        registry["other"]


def test_a_name_of_ours_is_not_taken_and_the_rest_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(
        distribution(tmp_path / "site", {"sfcmt.validators": "snd = theirs\nanchor_agreement = theirs"})
    )
    registry: Registry[object] = Registry("validator", "sfcmt.validators", reserved=["anchor_agreement"])
    for name in ("snd", "anchor_agreement"):
        with pytest.raises(PluginError, match=f"theirs: {name} is the name of another validator already"):
            registry.module(name)
    assert registry.summary("entropy")


@pytest.mark.slow
def test_what_cannot_be_used_is_listed_with_the_reason(tmp_path: Path) -> None:
    broken = "one = theirs.broken\ntwo = nowhere.at_all\nshot = theirs.copying"
    told = run(distribution(tmp_path / "site", {"sfcmt.methods": broken}), "-m", "sfcmt", "list")
    assert "cannot be used: theirs.broken: invalid syntax" in told
    assert "cannot be used: nowhere.at_all: no such module" in told
    assert "cannot be used: theirs.copying: shot is the name of another method already" in told
    assert "robust_tgkt" in told


def test_a_distribution_that_is_on_the_path_twice_is_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    theirs = distribution(tmp_path / "site", {"sfcmt.methods": "foreign_copy = theirs.copying"})
    monkeypatch.syspath_prepend(theirs)
    once = versions(["theirs.copying"])
    monkeypatch.syspath_prepend(f"{theirs.parent}/../{theirs.parent.name}/{theirs.name}")
    assert versions(["theirs.copying"]) == once == {"theirs.copying": "1 of theirs 1.0"}
    assert Registry("method", "sfcmt.stages.methods").module("foreign_copy") == "theirs.copying"
