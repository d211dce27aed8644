"""A source model that the user brings, as the config describes it: classes, input, identity, classifier."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from yaml import YAMLError

from sfcmt.config import GivenSourceConfig
from sfcmt.errors import ConfigError, ModelError, Problem
from sfcmt.models.expected_input import ExpectedInput
from sfcmt.models.source_kind import ONE_PROCESS, SourceKind
from sfcmt.models.sources import SOURCES
from sfcmt.text_files import composed, read_text
from sfcmt.yaml_files import parse_yaml

if TYPE_CHECKING:
    from sfcmt.models.tapped import TappedClassifier

_FOLDER = "folder"


class GivenSource:
    """What `source.model` names. Nothing is built before `classifier` is called. Raises `ConfigError`."""

    def __init__(self, config: GivenSourceConfig) -> None:
        self.config = config

    @property
    def kind(self) -> str:
        """The member of the registry that reads it."""
        kind, _, reference = self.config.model.partition(":")
        return kind if reference and kind in SOURCES else _FOLDER

    @cached_property
    def model(self) -> SourceKind:
        """How it is read."""
        reference = self.config.model.removeprefix(f"{self.kind}:")
        weights = Path(self.config.weights) if self.config.weights else None
        return SOURCES[self.kind](reference, weights, self.config.weights_key)

    @cached_property
    def input(self) -> ExpectedInput:
        """What it expects of images: by its own config, and the user's."""
        own, given = self.model.expects(), self.config.input.model_dump(exclude_none=True)
        resize: dict[str, Any] = {name: given.pop(name) for name in ("interpolation", "crop") if name in given}
        return own.model_copy(update={**given, "resize": own.resize.model_copy(update=resize)})

    @cached_property
    def classes(self) -> tuple[str, ...]:
        """Names of the task's classes, in the order of the logits."""
        return tuple(self._named)

    @cached_property
    def groups(self) -> tuple[tuple[int, ...], ...] | None:
        """The outputs that are merged into each class; None where each output is one."""
        if not isinstance(self._named, Mapping):
            return None
        groups = tuple(tuple(self._output(name, output) for output in self._named[name]) for name in self._named)
        for name, group in zip(self._named, groups, strict=True):
            if not group or len(set(group)) < len(group):
                raise ConfigError([Problem(f"source.classes.{name}", list(group), "one output or more, each once")])
        return groups

    @property
    def pinned(self) -> GivenSourceConfig:
        """The config with classes and digest written out: a file, or an alias, may mean another model tomorrow."""
        classes = self.classes if self.groups is None else dict(zip(self.classes, self.groups, strict=True))
        return self.config.model_copy(update={"classes": classes, "digest": self.digest})

    @property
    def digest(self) -> str:
        """The one that the config names, or the model's own."""
        return self.config.digest or self.model.digest()

    @property
    def identity(self) -> dict[str, Any]:
        """All that the classifier is made from, as JSON values, but the size of its images."""
        return {
            "kind": self.kind,
            "digest": self.digest,
            "weights_key": self.config.weights_key,
            "head": self.config.head,
            "groups": self.groups,
            "merge": self.config.merge,
            "input": self.input.model_dump(mode="json"),
        }

    def require_everywhere(self) -> None:
        """Raises `ModelError` for a model that other processes cannot make."""
        if SOURCES[self.kind].in_process:
            raise ModelError(f"{self.config.model}: {ONE_PROCESS}")

    def classifier(self, size: int) -> tuple[TappedClassifier, tuple[str, ...]]:
        """The classifier of images of `size` pixels, and what the user should know of how it was read.

        Raises `ModelError` where the network, its weights, its head or its classes do not fit together.
        """
        from sfcmt.models.tapped import TappedClassifier

        if self.digest != self.model.digest():
            raise ModelError(f"{self.config.model}: has changed (digest {self.model.digest()}, not {self.digest})")
        brought = self.model.bring(size)
        fields = {"kind": self.kind, "arguments": brought.arguments, "groups": self.groups, "merge": self.config.merge}
        try:
            model = TappedClassifier.of(brought.network, self.config.head, size, **fields, input=self.input)
        except ModelError as error:
            raise ModelError(f"{self.config.model}: {error}") from error
        self._check_outputs(model.outputs)
        return model, brought.notes

    def _check_outputs(self, outputs: int) -> None:
        named = 2 if outputs == 1 else outputs  # one output tells two classes apart
        if self.groups is None and named != len(self.classes):
            raise ModelError(f"{self.config.model}: has {outputs} outputs, where {len(self.classes)} classes are given")
        beyond = [output for group in self.groups or () for output in group if not 0 <= output < named]
        if beyond:
            raise ConfigError(
                [Problem("source.classes", beyond[0], f"outputs 0 to {named - 1} of {self.config.model}")]
            )

    @cached_property
    def _named(self) -> Sequence[str] | Mapping[str, tuple[int | str, ...]]:
        given = self.config.classes
        found = self._of_file(Path(given)) if isinstance(given, str) else given or self.model.names()
        if found is None:
            raise ConfigError([Problem("source.classes", None, f"names of the outputs: {self.config.model} has none")])
        counts = Counter(map(composed, found))
        wrong = [name for name, count in counts.items() if count > 1 or not name] or [*counts][: len(counts) < 2]
        if wrong or not counts:
            raise ConfigError([Problem("source.classes", wrong, "two or more names, each once")])
        if isinstance(found, Mapping):
            return {composed(name): outputs for name, outputs in found.items()}
        return [*map(composed, found)]

    def _output(self, name: str, output: int | str) -> int:
        if isinstance(output, int):
            return output
        own = self.model.names() or ()
        if own.count(output) != 1:
            near = [one for one in own if output.lower() in one.lower()][:8] or own[:8]
            raise ConfigError(
                [Problem(f"source.classes.{name}", output, f"an output's place or name: {', '.join(near)}")]
            )
        return own.index(output)

    def _of_file(self, path: Path) -> Any:
        """The classes of a file: one a line, or the list or mapping of a YAML or JSON file."""
        try:
            text = read_text(path)
            listed = path.suffix in (".yaml", ".yml", ".json")
            found = parse_yaml(text) if listed else [*filter(None, map(str.strip, text.splitlines()))]
            return GivenSourceConfig.model_validate({"model": self.config.model, "classes": found}).classes
        except (ValueError, YAMLError) as error:
            reason = str(error).splitlines()[0]
            raise ConfigError(
                [Problem("source.classes", str(path), f"a file of names, one a line ({reason})")]
            ) from error
