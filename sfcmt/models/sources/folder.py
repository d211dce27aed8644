"""A source model of ours: the folder of a stage, with `model.json` and `model.safetensors`."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar

from torch import nn

from sfcmt.artifact import WEIGHTS
from sfcmt.data.manifest import NUMBERS
from sfcmt.errors import ConfigError, ModelError, Problem
from sfcmt.models.expected_input import ExpectedInput
from sfcmt.models.file_digest import file_digest
from sfcmt.models.source_kind import Brought, SourceKind
from sfcmt.models.sources import SOURCES
from sfcmt.models.target_model import SPEC, ModelSpec, TargetModel, build_classifier, read_spec


@SOURCES.register("folder")
class FolderModel(SourceKind):
    """Its classes and its input are those that it was saved with."""

    scheme: ClassVar[str] = ""
    """What stands before the reference in `source.model`."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        named = self.scheme + self.reference
        if self.weights:
            raise ConfigError([Problem("source.weights", str(self.weights), f"nothing: {named} has its own")])
        if not (self.folder / SPEC).is_file():
            raise ConfigError([Problem("source.model", named, f"KIND:NAME, or a folder with {SPEC} and {WEIGHTS}")])
        network = self.spec.network
        if network and SOURCES[network.kind].runs_code:
            made = ", ".join(map(str, network.arguments.values()))
            raise ModelError(f"{named}: its network is made by code ({made}), which is not run; name it as python:...")
        if (self.spec.channels, self.spec.bits, self.spec.translator) != (3, 8, "copy"):
            images = f"{self.spec.modality} images of {self.spec.channels} channel(s) of {NUMBERS[self.spec.bits]}"
            raise ModelError(f"{named}: a model of {images}, where one of RGB images is needed")

    @cached_property
    def folder(self) -> Path:
        """Where its files are."""
        return self.folder_of(self.reference)

    @classmethod
    def folder_of(cls, reference: str) -> Path:
        """Where the files are of any model that is named so."""
        return Path(reference)

    @cached_property
    def spec(self) -> ModelSpec:
        """What its `model.json` says."""
        return read_spec(self.folder)

    def digest(self) -> str:
        """Of both files."""
        return " ".join(file_digest(self.folder / name) for name in (SPEC, WEIGHTS))

    def expects(self) -> ExpectedInput:
        """What it was trained with, in units of stored pixels."""
        mean, std = self.spec.normalisation.mean, self.spec.normalisation.std
        return ExpectedInput(size=self.spec.size, mean=mean, std=std, range=255, resize=self.spec.resize)

    def names(self) -> tuple[str, ...]:
        """Its classes."""
        return self.spec.classes

    def bring(self, size: int) -> Brought:
        """Its classifier."""
        return Brought(TargetModel.load(self.folder).classifier, {"spec": self.spec.model_dump(mode="json")})

    @classmethod
    def build(cls, arguments: dict[str, Any]) -> nn.Module:
        """The same without its weights."""
        return build_classifier(ModelSpec.model_validate(arguments["spec"]))
