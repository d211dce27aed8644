"""The experiment: the typed config of all stages and the data, read from YAML with all its mistakes at once."""

from __future__ import annotations

import importlib.resources
from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any, Generic, TypeVar, cast, get_args

import yaml
from pydantic import BaseModel, Discriminator, Field, Tag, ValidationError
from pydantic_core import ErrorDetails

from sfcmt.config import (
    RECORDED,
    BridgeConfig,
    DataConfig,
    GivenSourceConfig,
    Runtime,
    Section,
    SourceConfig,
    TransferConfig,
)
from sfcmt.errors import ConfigError, Problem, UnknownNameError
from sfcmt.identity import NOT_IDENTITY
from sfcmt.stages.method import METHODS
from sfcmt.yaml_files import parse_yaml, read_yaml

C = TypeVar("C", bound=TransferConfig)
M = TypeVar("M", bound=BaseModel)
DEFAULT_METHOD = "robust_tgkt"
"""Of an experiment that names none."""
_ALIASES = {"data": "data.folder"}


_GIVEN, _TRAINED = "(given)", "(trained)"


def _source_kind(source: Any) -> str:
    given = isinstance(source, GivenSourceConfig) or (isinstance(source, dict) and "model" in source)
    return _GIVEN if given else _TRAINED


Source = Annotated[
    Annotated[GivenSourceConfig, Tag(_GIVEN)] | Annotated[SourceConfig, Tag(_TRAINED)], Discriminator(_source_kind)
]
"""A source model that the user brings, which has a `model`, or one that is trained here."""


class Experiment(Section, Generic[C]):
    """Config of the data, the three stages and one method; `Experiment[method.Config]` types its `transfer` section."""

    description: Annotated[str, NOT_IDENTITY] = ""
    method: str = DEFAULT_METHOD
    seed: int = Field(0, ge=0)
    data: DataConfig = DataConfig()
    source: Source = SourceConfig()
    bridge: BridgeConfig = BridgeConfig()
    transfer: C
    baselines: Annotated[dict[str, dict[str, Any]], NOT_IDENTITY] = Field(default_factory=dict)
    """Own fields of other methods' `transfer` sections, by method, for `sfcmt compare`."""
    runtime: Annotated[Runtime, NOT_IDENTITY] = Field(default_factory=Runtime)

    @property
    def trains_bridge(self) -> bool:
        """Whether a translator is trained: the method has a use for it, and it is none of the fixed."""
        return METHODS[self.method].needs_bridge(self.transfer) and not self.bridge.fixed

    def with_method(self, name: str) -> Experiment[Any]:
        """This experiment under another method: what all methods share stays, its own fields come from `baselines`."""
        shared = {field: getattr(self.transfer, field) for field in TransferConfig.model_fields}
        own = self.transfer.model_dump() if name == self.method else self.baselines.get(name, {})
        sections = {field: getattr(self, field) for field in type(self).model_fields}
        return experiment_type(name).model_validate(sections | {"method": name, "transfer": shared | own})


def experiment_type(method: str) -> type[Experiment[Any]]:
    """The experiment's type under a method."""
    return Experiment.__class_getitem__(METHODS[method].Config)  # type: ignore[return-value]


def load_experiment(name: str, overrides: Sequence[str] = ()) -> Experiment[Any]:
    """A shipped experiment's name or a YAML file's path, with `key=value` overrides -> a checked experiment.

    Raises `ConfigError` with every problem at once.
    """
    raw = read_yaml(_locate(name))
    if name in shipped_experiments() and any(override.startswith("source.model=") for override in overrides):
        raw.pop("source", None)  # a given model takes the place of a preset's training
    for override in overrides:
        override_field(raw, override)
    return parse_experiment(raw)


def parse_experiment(raw: Mapping[str, Any]) -> Experiment[Any]:
    """Check a config's plain values. Raises `ConfigError`."""
    method = raw.get("method", DEFAULT_METHOD)
    known = method in METHODS
    problems = [] if known else [Problem("method", method, ", ".join(METHODS))]
    problems += _baseline_problems(raw.get("baselines"))
    kind = experiment_type(method if known else DEFAULT_METHOD)
    checked = {"transfer": {}, **raw} if known else {**raw, "method": DEFAULT_METHOD, "transfer": {}}
    try:
        experiment = kind.model_validate(checked)
    except ValidationError as error:
        raise ConfigError(problems + problems_of(error, kind)) from error
    if problems:
        raise ConfigError(problems)
    METHODS[experiment.method].all_weights(experiment.transfer)  # raises
    return experiment


def recorded_experiment(raw: Mapping[str, Any], store: str | None = None) -> Experiment[Any]:
    """An experiment as it was written down, perhaps by an older release: what is not known any more is left out.

    It is there to be looked at: whether its networks can be built is not asked. `store` is where its store is now.
    """
    known = raw["method"] in METHODS
    kind: Any = experiment_type(raw["method"]) if known else Experiment[TransferConfig]
    kept = deepcopy(dict(raw))
    if store:
        kept["runtime"]["store"] = store
    while True:
        try:
            return cast("Experiment[Any]", kind.model_validate(kept, context=RECORDED))
        except ValidationError as error:
            unknown = [_take_out(kept, item["loc"]) for item in error.errors()]
            if not all(unknown):
                raise


def shipped_experiments() -> dict[str, Path]:
    """Experiments that come with sfcmt, by name."""
    folder = Path(str(importlib.resources.files("sfcmt") / "experiments"))
    return {path.stem: path for path in sorted(folder.glob("*.yaml"))}


def checked_section(raw: Mapping[str, Any], model: type[M], name: str) -> M:
    """Plain values of the section of that name -> the section. Raises `ConfigError` with every problem at once."""
    try:
        return model.model_validate(raw)
    except ValidationError as error:
        problems = problems_of(error, model)
        raise ConfigError([replace(one, path=f"{name}.{one.path}") for one in problems]) from error


def read_section(raw: Mapping[str, Any], model: type[M]) -> tuple[M | None, list[Problem]]:
    """Plain values -> the section without those of a wrong shape, and what they are: the rest can be checked as well.

    There is no section if it cannot do without one of them.
    """
    kept, problems = deepcopy(dict(raw)), list[Problem]()
    while True:
        try:
            return model.model_validate(kept), problems
        except ValidationError as error:
            problems = problems or problems_of(error, model)
            taken_out = [_take_out(kept, item["loc"]) for item in error.errors()]
            if not all(taken_out):
                return None, problems


def _take_out(raw: dict[str, Any], place: Sequence[str | int]) -> bool:
    """Remove the innermost field on the way to a place; whether there is any. Names of types there are no fields."""
    section: Any = raw
    holder = None
    for part in place:
        if isinstance(section, dict) and part in section:
            holder, field, section = section, part, section[part]
    if holder is not None:
        del holder[field]
    return holder is not None


def problems_of(error: ValidationError, model: type[BaseModel]) -> list[Problem]:
    """Pydantic's findings in our words: the field's path, the value (an unknown field's name), and what is allowed."""
    return [
        Problem(".".join(map(str, _fields(item["loc"]))), _found(item), _allowed(item, model))
        for item in error.errors(include_url=False)
    ]


def _fields(place: Sequence[str | int]) -> list[str | int]:
    return [part for part in place if part not in (_GIVEN, _TRAINED)]


def _found(item: ErrorDetails) -> object:
    return item["loc"][-1] if item["type"] == "extra_forbidden" else item["input"]


def _allowed(item: ErrorDetails, model: type[BaseModel]) -> str:
    if item["type"] == "extra_forbidden":
        for part in map(str, item["loc"][:-1]):
            if part in model.model_fields:  # otherwise a key of a mapping, or which of several types was tried
                model = _section_in(model.model_fields[part].annotation) or model
            elif part == _TRAINED:
                model = SourceConfig
        return f"one of the fields {', '.join(model.model_fields)}"
    return str(item["msg"]).removeprefix("Input should be ").removeprefix("Value error, ")


def _section_in(annotation: Any) -> type[BaseModel] | None:
    """The section's type in an annotation such as `Section | None`."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((found for part in get_args(annotation) if (found := _section_in(part))), None)


def _baseline_problems(baselines: object) -> list[Problem]:
    problems: list[Problem] = []
    for name, fields in baselines.items() if isinstance(baselines, dict) else ():
        if not isinstance(fields, dict):
            continue  # the experiment's own check tells
        if name not in METHODS:
            problems.append(Problem(f"baselines.{name}", fields, ", ".join(METHODS)))
            continue
        try:
            METHODS[name].Config.model_validate(fields)
        except ValidationError as error:
            problems += [
                Problem(f"baselines.{name}.{found.path}", found.value, found.allowed)
                for found in problems_of(error, METHODS[name].Config)
            ]
    return problems


def _locate(name: str) -> Path:
    shipped = shipped_experiments()
    if name in shipped:
        return shipped[name]
    if Path(name).is_file():
        return Path(name)
    raise UnknownNameError("experiment", name, [*shipped, "the path of a YAML file"])


def override_field(raw: dict[str, Any], override: str) -> None:
    """Set one `dotted.key=value` in place; the value is YAML."""
    key, equals, text = override.partition("=")
    if not equals or not key:
        raise ConfigError([Problem("override", override, "key=value, such as transfer.beta_f=0.5")])
    *parents, last = _ALIASES.get(key, key).split(".")
    section = raw
    for parent in parents:
        section = section.setdefault(parent, {})
        if not isinstance(section, dict):
            raise ConfigError([Problem(key, text, f"a field of a section; {parent} is none")])
    try:
        section[last] = parse_yaml(text)
    except yaml.YAMLError as error:
        raise ConfigError([Problem(key, text, "a value of YAML")]) from error
