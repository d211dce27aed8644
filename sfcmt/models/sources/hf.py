"""A folder that Hugging Face's `save_pretrained` wrote: `hf:FOLDER`. Its architecture, labels and input are its own."""

from __future__ import annotations

import hashlib
import importlib
import inspect
import json
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from torch import Tensor, nn

from sfcmt.errors import ConfigError, ModelError, Problem
from sfcmt.models.expected_input import ExpectedInput, Resize
from sfcmt.models.file_digest import file_digest
from sfcmt.models.source_kind import Brought, SourceKind
from sfcmt.models.sources import SOURCES
from sfcmt.models.weights_file import Weights, read_weights

if TYPE_CHECKING:
    from types import ModuleType

_CONFIG, _PROCESSOR = "config.json", "preprocessor_config.json"
_INDEX = "model.safetensors.index.json"
_WHOLE = ("model.safetensors", "pytorch_model.bin")
_RESAMPLE = {0: "nearest", 1: "lanczos", 2: "bilinear", 3: "bicubic"}
"""Pillow's numbers."""


@SOURCES.register("hf")
class HuggingFaceModel(SourceKind):
    """Any of `transformers`' models for image classification. No code of the folder is run."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.folder = Path(self.reference)
        if not (self.folder / _CONFIG).is_file():
            raise ConfigError([Problem("source.model", f"hf:{self.reference}", f"hf:FOLDER, with a {_CONFIG} in it")])
        if "auto_map" in self._config:
            raise ModelError(f"{self.folder / _CONFIG}: asks for code of its own (auto_map), which is never run")
        if self._config.get("problem_type") == "multi_label_classification":
            raise ModelError(f"{self.folder / _CONFIG}: a multi-label model; only one class of several can be moved")

    def digest(self) -> str:
        """Of the files that are read."""
        files = [self.folder / _CONFIG, self.folder / _PROCESSOR, *self._files]
        parts = [file_digest(path) for path in files if path.is_file()]
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:20]

    def expects(self) -> ExpectedInput:
        """What its processor does."""
        found = _json(self.folder / _PROCESSOR) if (self.folder / _PROCESSOR).is_file() else {}
        size = _size(found.get("size", self._config.get("image_size", 224)))
        cropped = _size(found["crop_size"]) if found.get("do_center_crop") and "crop_size" in found else None
        share = found.get("crop_pct") or (cropped / size if cropped and _is_short(found.get("size")) else None)
        given: dict[str, Any] = {"size": cropped or size, "range": 1 if found.get("do_rescale", True) else 255}
        if not found.get("do_normalize", True):
            given |= {"mean": (0, 0, 0), "std": (1, 1, 1)}
        elif "image_mean" in found:
            given |= {"mean": found["image_mean"], "std": found["image_std"]}
        resize = Resize(interpolation=_RESAMPLE[found.get("resample", 2)], crop=share)
        return ExpectedInput(**given, resize=resize)

    def names(self) -> tuple[str, ...] | None:
        """Its `id2label`."""
        named = self._config.get("id2label")
        return tuple(named[key] for key in sorted(named, key=int)) if named else None

    def bring(self, size: int) -> Brought:
        """The network of its config with its weights."""
        arguments = {"config": self._config, "size": size}
        weights = self._weights()
        architecture, config = _architecture(self._config)
        importlib.import_module("transformers.utils.logging").disable_progress_bar()
        # transformers renames what older releases wrote
        network, told = architecture.from_pretrained(
            None, config=config, state_dict=weights.tensors, output_loading_info=True
        )
        _refuse_mismatches(told, self.folder)
        notes = weights.told
        if not (self.folder / _PROCESSOR).is_file():
            notes += (f"no {_PROCESSOR}: its input is taken to be ImageNet's; source.input overrides",)
        return Brought(_of_size(network.float(), config, size).eval(), arguments, notes)

    @classmethod
    def build(cls, arguments: dict[str, Any]) -> nn.Module:
        """The architecture that a config names."""
        architecture, config = _architecture(arguments["config"])
        return _of_size(architecture(config), config, arguments["size"])

    @cached_property
    def _config(self) -> dict[str, Any]:
        return _json(self.folder / _CONFIG)

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
    library = _transformers()
    name = str((described.get("architectures") or [None])[0])
    architecture = getattr(library, name, None)
    if not (isinstance(architecture, type) and "ForImageClassification" in name):
        raise ModelError(f"architectures: {name} is none of transformers' models for image classification")
    return architecture, library.AutoConfig.for_model(**described)


def _refuse_mismatches(told: dict[str, Any], folder: Path) -> None:
    """Raises `ModelError` where weights were missing, left over, or of another shape."""
    found = {kind: sorted(map(str, told.get(f"{kind}_keys") or ())) for kind in ("missing", "unexpected", "mismatched")}
    if any(found.values()):
        parts = [f"{len(names)} {kind} ({', '.join(names[:3])})" for kind, names in found.items() if names]
        raise ModelError(f"{folder}: its weights do not fit its {_CONFIG}: {'; '.join(parts)}")


def _transformers() -> ModuleType:
    importlib.import_module("sfcmt.models.compat")  # for torchvision, which transformers imports
    try:
        return importlib.import_module("transformers")
    except ImportError as error:
        raise ModelError(f"models of Hugging Face need transformers ({error}): pip install 'sfcmt[hf]'") from error


def _json(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text())
    except (OSError, ValueError) as error:
        raise ModelError(f"{path}: not readable JSON ({error})") from error
    if not isinstance(found, dict):
        raise ModelError(f"{path}: holds no JSON object")
    return found


def _size(given: Any) -> int:
    if isinstance(given, dict):
        given = given.get("height", given.get("shortest_edge", given.get("width")))
    return int(given[0] if isinstance(given, list | tuple) else given)


def _is_short(given: Any) -> bool:
    return isinstance(given, int) or (isinstance(given, dict) and "shortest_edge" in given)
