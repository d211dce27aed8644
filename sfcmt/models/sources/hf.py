"""A folder that Hugging Face's `save_pretrained` wrote: `hf:FOLDER`. Its architecture, labels and input are its own."""

from __future__ import annotations

import hashlib
import importlib
import inspect
import json
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeVar

import torch
from huggingface_hub.errors import StrictDataclassError
from pydantic import BaseModel, Field, ValidationError
from torch import Tensor, nn

from sfcmt.errors import ConfigError, ModelError, Problem
from sfcmt.models.expected_input import MEAN, STD, ExpectedInput, Triple
from sfcmt.models.file_digest import file_digest
from sfcmt.models.source_kind import Brought, SourceKind
from sfcmt.models.sources import SOURCES
from sfcmt.models.weights_file import Weights, read_weights
from sfcmt.text_files import read_text

if TYPE_CHECKING:
    from types import ModuleType

M = TypeVar("M", bound=BaseModel)
_CONFIG, _PROCESSOR = "config.json", "preprocessor_config.json"
_INDEX = "model.safetensors.index.json"
_WHOLE = ("model.safetensors", "pytorch_model.bin")
RESAMPLE = {0: "nearest", 1: "lanczos", 2: "bilinear", 3: "bicubic"}
"""Pillow's numbers."""
_SPARE = 2
"""How many times the elements of its weights a network may have: a config can claim any size."""
_REASONS = (
    *(ValueError, TypeError, LookupError, AttributeError, ArithmeticError, RuntimeError, ImportError),
    StrictDataclassError,
)
"""What transformers raises for a config that makes no sense."""
Size = int | dict[str, int] | tuple[int, int]


class _Config(BaseModel):
    """What is read of `config.json` here."""

    architectures: tuple[str, ...] = Field(min_length=1)
    model_type: str
    id2label: dict[int, str] | None = None
    problem_type: str | None = None
    image_size: int | None = None
    auto_map: Any = None


class _Processor(BaseModel):
    """What is read of `preprocessor_config.json`."""

    size: Size | None = None
    crop_size: Size | None = None
    crop_pct: float | None = None
    do_center_crop: bool = False
    do_rescale: bool = True
    do_normalize: bool = True
    image_mean: Triple = MEAN
    image_std: Triple = STD
    resample: Literal[0, 1, 2, 3] = 2


@SOURCES.register("hf")
class HuggingFaceModel(SourceKind):
    """Any of `transformers`' models for image classification. No code of the folder is run."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.folder = Path(self.reference)
        if not (self.folder / _CONFIG).is_file():
            raise ConfigError([Problem("source.model", f"hf:{self.reference}", f"hf:FOLDER, with a {_CONFIG} in it")])
        if self._config.auto_map is not None:
            raise ModelError(f"{self.folder / _CONFIG}: asks for code of its own (auto_map), which is never run")
        if self._config.problem_type == "multi_label_classification":
            raise ModelError(f"{self.folder / _CONFIG}: a multi-label model; only one class of several can be moved")

    def digest(self) -> str:
        """Of the files that are read."""
        files = [self.folder / _CONFIG, self.folder / _PROCESSOR, *self._files]
        parts = [file_digest(path) for path in files if path.is_file()]
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:20]

    def expects(self) -> ExpectedInput:
        """What its processor does."""
        path = self.folder / _PROCESSOR
        found = _read(path, _Processor) if path.is_file() else _Processor()
        size = _pixels(found.size or self._config.image_size or 224)
        cropped = _pixels(found.crop_size) if found.do_center_crop and found.crop_size else None
        share = found.crop_pct or (cropped / size if cropped and _is_short(found.size) else None)
        statistics = (found.image_mean, found.image_std) if found.do_normalize else ((0, 0, 0), (1, 1, 1))
        given = {"size": cropped or size, "mean": statistics[0], "std": statistics[1]}
        resize = {"interpolation": RESAMPLE[found.resample], "crop": share}
        return _checked(given | {"range": 1 if found.do_rescale else 255, "resize": resize}, path, ExpectedInput)

    def names(self) -> tuple[str, ...] | None:
        """Its `id2label`."""
        named = self._config.id2label
        return tuple(named[key] for key in sorted(named)) if named else None

    def bring(self, size: int) -> Brought:
        """The network of its config with its weights."""
        described = _json(self.folder / _CONFIG)
        weights = self._weights()
        try:
            network = self._filled(described, weights)
            whole = _of_size(network.float(), getattr(network, "config"), size).eval()  # noqa: B009
        except _REASONS as error:
            raise ModelError(f"{self.folder / _CONFIG}: {str(error).strip().splitlines()[0]}") from error
        notes = weights.told
        if not (self.folder / _PROCESSOR).is_file():
            notes += (f"no {_PROCESSOR}: its input is taken to be ImageNet's; source.input overrides",)
        return Brought(whole, {"config": described, "size": size}, notes)

    @classmethod
    def build(cls, arguments: dict[str, Any]) -> nn.Module:
        """The architecture that a config names."""
        architecture, config = _architecture(arguments["config"])
        return _of_size(architecture(config), config, arguments["size"])

    @cached_property
    def _config(self) -> _Config:
        return _read(self.folder / _CONFIG, _Config)

    def _filled(self, described: dict[str, Any], weights: Weights) -> Any:
        """The network with the weights, whose names transformers brings up to date."""
        architecture, config = _architecture(described)
        with torch.device("meta"):
            claimed = sum(parameter.numel() for parameter in architecture(config).parameters())
        held = sum(tensor.numel() for tensor in weights.tensors.values())
        if claimed > _SPARE * held:
            raise ValueError(f"describes {claimed:,} parameters, but the weights hold {held:,} numbers")
        tell = importlib.import_module("transformers.utils.logging")
        tell.disable_progress_bar()
        tell.set_verbosity_error()
        fields = {"ignore_mismatched_sizes": True, "output_loading_info": True}  # they are told below
        network, told = architecture.from_pretrained(None, config=config, state_dict=weights.tensors, **fields)
        _refuse_mismatches(told)
        return network

    @cached_property
    def _files(self) -> list[Path]:
        """The files of its weights."""
        if self.weights:
            return [self.weights]
        whole = [self.folder / name for name in _WHOLE if (self.folder / name).is_file()]
        if whole:
            return whole[:1]
        if not (self.folder / _INDEX).is_file():
            raise ModelError(f"{self.folder}: holds no weights ({' or '.join(_WHOLE)})")
        shards = sorted(set(_json(self.folder / _INDEX)["weight_map"].values()))
        return [self.folder / Path(shard).name for shard in shards]

    def _weights(self) -> Weights:
        parts = [read_weights(path, self.weights_key) for path in self._files]
        tensors: dict[str, Tensor] = {}
        for part in parts:
            tensors |= part.tensors
        return Weights(tensors, parts[0].taken, tuple(note for part in parts for note in part.notes))


class Interpolating(nn.Module):
    """A network that resamples its position embeddings for images of another size than its own."""

    def __init__(self, inner: nn.Module) -> None:
        super().__init__()
        self.inner = inner

    def forward(self, x_B3HW: Tensor) -> Any:
        """Images (B, 3, H, W) -> the network's answer."""
        return self.inner(x_B3HW, interpolate_pos_encoding=True)


def _of_size(network: nn.Module, config: Any, size: int) -> nn.Module:
    takes = inspect.signature(network.forward).parameters
    own = getattr(config, "image_size", None)
    return Interpolating(network) if "interpolate_pos_encoding" in takes and own != size else network


def _architecture(described: dict[str, Any]) -> tuple[Any, Any]:
    """The class of the network that a `config.json` describes, and its config."""
    library = load_transformers()
    name = str((described.get("architectures") or [None])[0])
    architecture = getattr(library, name, None)
    if not (isinstance(architecture, type) and "ForImageClassification" in name):
        raise ModelError(f"architectures: {name} is none of transformers' models for image classification")
    return architecture, library.AutoConfig.for_model(**described)


def _refuse_mismatches(told: dict[str, Any]) -> None:
    """Raises `ValueError` where weights were missing, left over, or of another shape."""
    found = {
        kind: sorted(map(_name, told.get(f"{kind}_keys") or ())) for kind in ("missing", "unexpected", "mismatched")
    }
    if any(found.values()):
        parts = [f"{len(names)} {kind} ({', '.join(names[:3])})" for kind, names in found.items() if names]
        raise ValueError(f"the weights do not fit it: {'; '.join(parts)}")


def _name(key: Any) -> str:
    return str(key if isinstance(key, str) else key[0])  # of another shape, with both shapes


def load_transformers() -> ModuleType:
    """The package, imported. Raises `ModelError` where it is missing."""
    importlib.import_module("sfcmt.models.compat")  # for torchvision, which transformers imports
    try:
        return importlib.import_module("transformers")
    except ImportError as error:
        raise ModelError(f"models of Hugging Face need transformers ({error}): pip install 'sfcmt[hf]'") from error


def _json(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(read_text(path))
    except ValueError as error:
        raise ModelError(f"{path}: not readable JSON ({error})") from error
    if not isinstance(found, dict):
        raise ModelError(f"{path}: holds no JSON object")
    return found


def _read(path: Path, kind: type[M]) -> M:
    return _checked(_json(path), path, kind)


def _checked(found: dict[str, Any], path: Path, kind: type[M]) -> M:
    try:
        return kind.model_validate(found)
    except ValidationError as error:
        first = error.errors()[0]
        raise ModelError(f"{path}: {'.'.join(map(str, first['loc']))}: {first['msg']}") from error


def _pixels(size: Size) -> int:
    if isinstance(size, dict):
        return int(next((size[name] for name in ("height", "shortest_edge", "width") if name in size), 224))
    return size[0] if isinstance(size, tuple) else size


def _is_short(size: Size | None) -> bool:
    return isinstance(size, int) or (isinstance(size, dict) and "shortest_edge" in size)
