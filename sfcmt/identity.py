"""Identities: digests of all that can change a result, and of nothing else.

A recipe is sparse, so that a new field or a new term leaves what exists alone: of a config there is in it only what
differs from the frozen defaults (`frozen_defaults.yaml`, the values at the introduction of each field), and of the code
only the versions that are not 1. A file's version is the number that it assigns to `VERSION`, 1 where it does not; it
is raised by hand whenever the file's code gives another result.
"""

from __future__ import annotations

import ast
import hashlib
import importlib.resources
import importlib.util
import json
from collections.abc import Iterable, Mapping
from functools import cache
from importlib.metadata import distributions, packages_distributions
from importlib.metadata import version as distribution_version
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from sfcmt.yaml_files import read_yaml


class _NotIdentity:
    """Marks, as `Annotated[T, NOT_IDENTITY]`, a config field that cannot change a result."""


NOT_IDENTITY = _NotIdentity()


class OnlyWith:
    """Marks, as `Annotated[T, OnlyWith(...)]`, a config field that changes nothing unless another is on.

    `OnlyWith("beta_self")`: unless that weight is above 0; of several weights, any. `OnlyWith(weighting="threshold")`:
    unless that field has that value.
    """

    def __init__(self, *weights: str, **values: object) -> None:
        self._weights, self._values = weights, values

    def holds(self, config: BaseModel) -> bool:
        """Whether a field so marked can change the result of its config."""
        weighs = not self._weights or any(getattr(config, name) for name in self._weights)
        return weighs and all(getattr(config, name) == value for name, value in self._values.items())


def result_fields(config: BaseModel) -> dict[str, Any]:
    """The fields of a config that can change a result, as JSON values, nested configs included."""
    values = config.model_dump(mode="json", serialize_as_any=True)
    for name, field in type(config).model_fields.items():
        conditions = [mark for mark in field.metadata if isinstance(mark, OnlyWith)]
        if NOT_IDENTITY in field.metadata or not all(condition.holds(config) for condition in conditions):
            del values[name]
        elif isinstance(nested := getattr(config, name), BaseModel):
            values[name] = result_fields(nested)
    return values


def sparse(config: BaseModel, preset: str) -> dict[str, Any]:
    """The fields of a config that can change a result and differ from a preset's frozen defaults."""
    return _different(result_fields(config), frozen_defaults().get(preset, {}))


@cache
def frozen_defaults() -> dict[str, dict[str, Any]]:
    """Each config's defaults at the introduction of their fields, by preset: rows are added, and never edited."""
    return read_yaml(Path(str(importlib.resources.files("sfcmt") / "frozen_defaults.yaml")))


def versions(modules: Iterable[str]) -> dict[str, int | str]:
    """Versions of modules, by name, where they are not 1. Nothing is imported.

    That of a module of another package has its distribution's with it: we do not know what else has changed there.
    """
    found = {module: version_of(module) for module in modules}
    foreign = {module: _distribution(module) for module in found if not module.startswith("sfcmt.")}
    own = {module: version for module, version in found.items() if version != 1 and module not in foreign}
    others = {module: f"{found[module]} of {distribution}" for module, distribution in foreign.items()}
    return dict(sorted((own | others).items()))


@cache
def version_of(module: str) -> int:
    """A module's version, read from its file."""
    spec = importlib.util.find_spec(module)
    assert spec is not None, module
    assert spec.origin is not None, module
    for node in ast.parse(Path(spec.origin).read_bytes()).body:
        match node:
            case ast.Assign(targets=[ast.Name(id="VERSION")], value=ast.Constant(value=int(version))):
                return version
    return 1


def digest(document: object) -> str:
    """20 hexadecimal digits that name a JSON document; 1 and 1.0 are one value."""
    text = json.dumps(_canonical(document), sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()[:20]


def _different(values: Mapping[str, Any], defaults: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in values.items():
        default = defaults.get(name)
        if isinstance(value, dict) and isinstance(default, dict):
            if nested := _different(value, default):
                found[name] = nested
        elif name not in defaults or _canonical(value) != _canonical(default):
            found[name] = value
    return found


def _distribution(module: str) -> str:
    """Name and version of the distribution that adds a module, or that its package is of; else the module's name."""
    added = {
        one.name
        for one in distributions()
        for entry in one.entry_points
        if entry.module == module and entry.group.startswith("sfcmt.")
    }
    names = added or set(packages_distributions().get(module.partition(".")[0], []))
    return ", ".join(f"{name} {distribution_version(name)}" for name in sorted(names)) or module


def _canonical(document: Any) -> Any:
    match document:
        case float() if document.is_integer():
            return int(document)
        case dict():
            return {key: _canonical(value) for key, value in document.items()}
        case list() | tuple():
            return [_canonical(value) for value in document]
    return document
