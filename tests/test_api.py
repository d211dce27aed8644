"""What is public can be had from the package, is documented, and does what its example says."""

from __future__ import annotations

import doctest
import inspect
from pathlib import Path

import pytest
import yaml

import sfcmt
from sfcmt.testing.tiny import tiny_experiment


@pytest.mark.parametrize("name", [name for name in sfcmt.__all__ if not name.startswith("_")])
def test_every_name_is_there_and_documented(name: str) -> None:
    found = getattr(sfcmt, name)
    assert inspect.getdoc(found)
    assert name in dir(sfcmt)


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="module 'sfcmt' has no attribute 'magic'"):
        getattr(sfcmt, "magic")  # noqa: B009  (mypy knows that it is not there)


def test_the_example_of_the_package(
    tiny_data: Path, tiny_store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    experiment = tiny_experiment(tiny_data, tiny_store).model_dump(mode="json")
    (tmp_path / "tiny.yaml").write_text(yaml.safe_dump(experiment))
    monkeypatch.chdir(tmp_path)
    found = doctest.testmod(sfcmt)
    assert found.attempted > 5
    assert found.failed == 0
