"""Plug-in points: what is known of their members without importing them, and what importing each must give."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from sfcmt.data.importer import IMPORTERS
from sfcmt.errors import UnknownNameError
from sfcmt.models.export.formats import FORMATS
from sfcmt.models.translators import TRANSLATORS
from sfcmt.models.translators.fixed import FIXED
from sfcmt.pseudo_labels.weightings import WEIGHTINGS
from sfcmt.registry import PluginError, Registry
from sfcmt.stages.method import METHODS
from sfcmt.stages.terms import TERMS
from sfcmt.validators import POOL_VALIDATORS, VALIDATORS

ALL: list[Registry[Any]] = [
    METHODS,
    VALIDATORS,
    POOL_VALIDATORS,
    TRANSLATORS,
    WEIGHTINGS,
    IMPORTERS,
    FORMATS,
    FIXED,
    TERMS,
]
every_registry = pytest.mark.parametrize("registry", ALL, ids=lambda registry: registry.kind)


@every_registry
def test_every_file_registers_a_member_under_its_own_name(registry: Registry[Any]) -> None:
    assert len(registry) > 1
    assert dict(registry).keys() == set(registry)
    assert all(callable(member) for member in registry.values())


@every_registry
def test_every_member_has_a_summary_of_one_line(registry: Registry[Any]) -> None:
    for name in registry:
        assert 10 < len(registry.summary(name)) < 120, name


@every_registry
def test_an_unknown_name_is_answered_with_the_known_ones(registry: Registry[Any]) -> None:
    assert "nothing" not in registry
    with pytest.raises(UnknownNameError, match=sorted(registry)[0]):
        registry["nothing"]


def test_names_and_summaries_need_no_torch() -> None:
    told = """
import sys
from sfcmt.models.translators import TRANSLATORS
print(*[f"{name}: {TRANSLATORS.summary(name)}" for name in TRANSLATORS], sep="\\n")
assert "torch" not in sys.modules
"""
    done = subprocess.run([sys.executable, "-c", told], capture_output=True, text=True, check=True)
    assert "copy: No translation" in done.stdout


def plugin_package(folder: Path, text: str) -> Registry[Any]:
    """A registry of a package `plugins` with one file, `one`."""
    (folder / "plugins").mkdir()
    (folder / "plugins" / "__init__.py").touch()
    (folder / "plugins" / "one.py").write_text(text)
    return Registry("plug-in", "plugins")


def test_a_member_may_be_registered_from_elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(tmp_path)
    registry = plugin_package(tmp_path, '"""The only file."""')

    @registry.register("two")
    def two() -> None:
        """Does nothing.

        At length.
        """

    assert list(registry) == ["one", "two"]
    assert registry["two"] is two
    assert [registry.summary(name) for name in registry] == ["The only file.", "Does nothing."]


def test_a_file_that_registers_nothing_under_its_name_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(tmp_path)
    registry = plugin_package(tmp_path, "")
    with pytest.raises(PluginError, match=r"^plugins\.one: registers no plug-in called one$"):
        registry["one"]
