"""YAML by version 1.2."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from sfcmt.errors import ConfigError, DataError
from sfcmt.yaml_files import parse_yaml, read_yaml


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("off", "off"),
        ("{no: 1, yes: 2}", {"no": 1, "yes": 2}),
        ("[true, False]", [True, False]),
        ("1e-3", 1e-3),
        ("-2E4", -2e4),
        ("1.5e-3", 1.5e-3),
        ("12", 12),
        ("1e", "1e"),
        ("1e-3x", "1e-3x"),
        ("trueish", "trueish"),
    ],
)
def test_values(text: str, value: Any) -> None:
    found = parse_yaml(text)
    assert (found, type(found)) == (value, type(value))


@pytest.mark.parametrize("text", ["[1, 2", "- a list", "\xff"])
def test_what_is_no_mapping_is_told_with_its_file(tmp_path: Path, text: str) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(text, encoding="latin-1")
    with pytest.raises((ConfigError, DataError), match=r"mine\.yaml"):
        read_yaml(path)
