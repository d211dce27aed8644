"""A target model that a transfer goes on from: in MLflow's registry, in one of its runs, or in a folder.

A reference that is pinned ends in `#` and the digest of what it meant: an alias may mean another version tomorrow.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from sfcmt.errors import ConfigError, ModelError, Problem
from sfcmt.identity import digest
from sfcmt.listing import listed
from sfcmt.models.file_digest import file_digest
from sfcmt.models.sources import SOURCES

if TYPE_CHECKING:
    from sfcmt.data.dataset import Dataset
    from sfcmt.models.target_model import ModelSpec, TargetModel

START = "start"
"""What such a model is called among the methods from whose models F_t may start."""
FIELD = "transfer.start"
REFERENCES = "models:/NAME@ALIAS, runs:/ID/model, a model's folder"
_KINDS = ("models", "runs")
_PINNED = re.compile(r"(.+)#([0-9a-f]{20})")


def is_reference(start: str) -> bool:
    """Whether it names a model rather than a method. A folder's name has a slash in it."""
    return "/" in start


def absolute_reference(start: str) -> str:
    """The same from any working directory."""
    return start if start.partition(":")[0] in _KINDS else str(Path(start).expanduser().absolute())


class GivenStart:
    """The model that a reference names. Of its files, only the spec is read before `model` is asked for."""

    def __init__(self, reference: str) -> None:
        match = _PINNED.fullmatch(reference)
        self.reference = str(match[1]) if match else reference
        self._pin = match and match[2]

    @cached_property
    def folder(self) -> Path:
        """Where its files are. Raises `ModelError`, `ConfigError`."""
        from sfcmt.artifact import WEIGHTS
        from sfcmt.models.sources.folder import FolderModel
        from sfcmt.models.target_model import SPEC

        kind, _, rest = self.reference.partition(":")
        source = SOURCES[kind] if kind in _KINDS else FolderModel
        assert issubclass(source, FolderModel)
        folder = source.folder_of(rest if kind in _KINDS else self.reference)
        if not all((folder / name).is_file() for name in (SPEC, WEIGHTS)):
            raise ConfigError([Problem(FIELD, self.reference, f"a model with {SPEC} and {WEIGHTS}: {REFERENCES}")])
        return folder

    @cached_property
    def digest(self) -> str:
        """Of its spec and its weights. Raises `ModelError` where a pinned reference means another model by now."""
        from sfcmt.artifact import WEIGHTS
        from sfcmt.models.target_model import SPEC

        found = digest([file_digest(self.folder / name) for name in (SPEC, WEIGHTS)])
        if self._pin not in (None, found):
            raise ModelError(f"{FIELD}: {self.reference} has changed (digest {found}, not {self._pin})")
        return found

    @property
    def pinned(self) -> str:
        """The reference with its digest."""
        return f"{self.reference}#{self.digest}"

    @cached_property
    def spec(self) -> ModelSpec:
        """What it is."""
        from sfcmt.models.target_model import read_spec

        return read_spec(self.folder)

    def model(self) -> TargetModel:
        """With its weights. Raises `ModelError`; a network that a user's function makes is not run."""
        from sfcmt.models.target_model import TargetModel

        _ = self.digest
        return TargetModel.load(self.folder, run_code=False)

    def check(self, dataset: Dataset, size: int, translator: str) -> None:
        """Raise `ConfigError` where it does not go on with such images: `translator` is the fixed one, or `copy`."""
        if problems := [Problem(FIELD, self.reference, needed) for needed in self._wrong(dataset, size, translator)]:
            raise ConfigError(problems)

    def _wrong(self, dataset: Dataset, size: int, translator: str) -> Iterator[str]:
        spec, target = self.spec, dataset.manifest.target
        if spec.classes != dataset.classes:
            yield f"a model of the classes {listed(dataset.classes)}, in this order; its own are {listed(spec.classes)}"
        takes, here = (spec.channels, spec.bits, spec.size), (target.channels, target.bits, size)
        if takes != here:
            yield f"a model of images of {_form(*here)}; it takes {_form(*takes)}"
        if spec.translator not in ("copy", spec.seen_through):
            yield f"no source model behind a trained translator ({spec.translator}): no F_t is in it to go on from"
        elif translator not in (spec.seen_through, "auto"):
            yield f"a model behind bridge.translator {translator}; it sees images through {spec.seen_through}"


def _form(channels: int, bits: int, size: int) -> str:
    return f"{channels} channel(s) of {bits} bits, {size} x {size}"
