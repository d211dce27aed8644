"""The device that computes: how it is set up, and how what the host has made gets there without the host's waiting."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor

if TYPE_CHECKING:
    from sfcmt.config import Runtime


def set_up(device: torch.device, runtime: Runtime) -> None:
    """Have a GPU compute as the runtime says. Nothing to do on a CPU."""
    if device.type == "cuda":
        torch.set_float32_matmul_precision("high" if runtime.tf32 else "highest")
        torch.backends.cudnn.allow_tf32 = runtime.tf32
        torch.backends.cudnn.benchmark = True  # batches of a training are of one size


def sent(x: Tensor, device: torch.device) -> Tensor:
    """A tensor of the host's on the device. On CUDA it is on its way from pinned memory, and the host goes on."""
    if x.device.type == device.type:
        return x
    return x.pin_memory().to(device, non_blocking=True) if device.type == "cuda" else x.to(device)
