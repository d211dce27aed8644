"""What made an artifact beyond its recipe: it should change results by rounding only, and is told where it differs."""

from __future__ import annotations

import hashlib
import platform
from collections.abc import Iterable, Mapping
from functools import cache
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from sfcmt.commit import code_version

if TYPE_CHECKING:
    import torch
    from torch import nn


def provenance(device: torch.device) -> dict[str, Any]:
    """Versions, the commit of the code, the device, CPU threads and workers of this process."""
    import torch

    from sfcmt.distributed import workers

    name = torch.cuda.get_device_name(device) if device.type == "cuda" else platform.machine()
    return {
        "sfcmt": _code(),
        "python": platform.python_version(),
        "torch": torch.__version__,
        "timm": version("timm"),
        "device": f"{device.type}: {name}",
        "threads": torch.get_num_threads(),
        "workers": workers(),
    }


def weights_digest(model: nn.Module) -> str:
    """16 hexadecimal digits that name a model's weights and buffers."""
    return tensors_digest(model.state_dict())


def tensors_digest(tensors: Mapping[str, torch.Tensor]) -> str:
    """16 hexadecimal digits that name tensors with their names."""
    found = hashlib.sha256()
    for name, tensor in sorted(tensors.items()):
        found.update(name.encode())
        found.update(tensor.detach().cpu().contiguous().numpy().tobytes())
    return found.hexdigest()[:16]


def varying(made: Iterable[Mapping[str, Any]]) -> dict[str, list[str]]:
    """The facts in which artifacts differ, with what they are."""
    facts: dict[str, dict[str, None]] = {}
    for one in made:
        for name, value in one.items():
            facts.setdefault(name, {})[str(value)] = None
    return {name: [*values] for name, values in facts.items() if len(values) > 1}


@cache
def _code() -> str:
    return code_version()
