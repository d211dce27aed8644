"""YAML as people write it today: by version 1.2, where `off` and `no` are words and `1e-3` is a number."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import yaml

from sfcmt.errors import ConfigError, Problem
from sfcmt.text_files import read_text

_BOOLEAN, _FLOAT = "tag:yaml.org,2002:bool", "tag:yaml.org,2002:float"


class _Loader(yaml.SafeLoader):
    """PyYAML's, which reads version 1.1, with these two kinds of values as in 1.2."""


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != _BOOLEAN]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
_Loader.add_implicit_resolver(_BOOLEAN, re.compile(r"(?:true|True|TRUE|false|False|FALSE)$"), [*"tTfF"])
_Loader.add_implicit_resolver(_FLOAT, re.compile(r"[-+]?\d+[eE][-+]?\d+$"), [*"-+0123456789"])


def parse_yaml(text: str) -> Any:
    """A document's value. Raises `yaml.YAMLError`."""
    return yaml.load(text, _Loader)  # noqa: S506  (a safe one)


def read_yaml(path: Path) -> dict[str, Any]:
    """A YAML file's mapping. Raises `ConfigError` naming the line of a syntax error, `DataError` for no text."""
    try:
        raw = parse_yaml(read_text(path)) or {}
    except yaml.YAMLError as error:
        raise ConfigError([Problem(str(path), str(error).replace("\n", " "), "YAML")]) from error
    if not isinstance(raw, dict):
        raise ConfigError([Problem(str(path), raw, "a mapping of fields")])
    return raw
