"""The state of a training after an epoch, in one safetensors file: no pickle, complete or absent."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from sfcmt.durable import replacing

_LEARNER, _OPTIMISER = "learner", "optimiser"


def save_checkpoint(path: Path, learner: nn.Module, optimiser: torch.optim.Optimizer, notes: dict[str, Any]) -> None:
    """Write weights, buffers, the optimiser's state, and JSON `notes`; replaces the last checkpoint in one move."""
    tensors = {f"{_LEARNER}/{name}": tensor for name, tensor in learner.state_dict().items()}
    for index, state in optimiser.state_dict()["state"].items():
        tensors |= {f"{_OPTIMISER}/{index}/{name}": tensor for name, tensor in state.items() if tensor is not None}
    contiguous = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    with replacing(path, is_only_writer=True) as temporary:
        save_file(contiguous, temporary, metadata={"notes": json.dumps(notes)})


def is_readable(path: Path) -> bool:
    """Whether there is a whole checkpoint. A disk that failed may have left a part of one, which is of no use."""
    try:
        with safe_open(path, framework="pt"):
            return True
    except (FileNotFoundError, SafetensorError):
        return False


def load_checkpoint(path: Path, learner: nn.Module, optimiser: torch.optim.Optimizer) -> dict[str, Any]:
    """Restore what `save_checkpoint` wrote, in place, and return its notes."""
    weights: dict[str, Tensor] = {}
    states: dict[int, dict[str, Tensor]] = {}
    with safe_open(path, framework="pt") as file:
        notes: dict[str, Any] = json.loads(file.metadata()["notes"])
        for key in file.keys():  # noqa: SIM118  (not a mapping)
            part, rest = key.split("/", 1)
            if part == _LEARNER:
                weights[rest] = file.get_tensor(key)
            else:
                index, name = rest.split("/")
                states.setdefault(int(index), {})[name] = file.get_tensor(key)
    learner.load_state_dict(weights)
    optimiser.load_state_dict({"state": states, "param_groups": optimiser.state_dict()["param_groups"]})
    return notes
