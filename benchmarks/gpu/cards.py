"""Two workers of one training: NCCL where there are two cards, gloo on CPUs; against one process that sees all."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import torch
from torch import distributed as dist
from torch import nn
from torch.multiprocessing.spawn import start_processes

from benchmarks.gpu.bench import Bench, Row, near
from sfcmt.distributed import gathered, share
from sfcmt.models.synchronised import synchronise

_ROWS = 15


def rows(bench: Bench) -> Iterator[Row]:
    """The loss of a batch that two workers share, and its gradient."""
    if bench.device_name == "cuda" and torch.cuda.device_count() < 2:
        yield Row("NCCL", f"{torch.cuda.device_count()} card; needs 2", "skipped")
        return
    with tempfile.TemporaryDirectory() as folder:
        start_processes(_work, (Path(folder), bench.device_name), 2, start_method="spawn")  # type: ignore[no-untyped-call]
        found = torch.load(Path(folder) / "0.pt")
    backend = "NCCL" if bench.device_name == "cuda" else "gloo"
    loss, gradient = _learn(torch.device("cpu"))
    yield near(f"{backend}: loss of two workers", found[0], loss, 1e-4)
    yield near(f"{backend}: gradient of two workers", found[1], gradient, 1e-3)


def _work(rank: int, folder: Path, device_name: str) -> None:
    os.environ["LOCAL_RANK"] = str(rank)
    device = torch.device(device_name, rank) if device_name == "cuda" else torch.device("cpu")
    if device_name == "cuda":
        torch.cuda.set_device(device)
    dist.init_process_group(
        "nccl" if device_name == "cuda" else "gloo", f"file://{folder}/group", world_size=2, rank=rank
    )
    found = _learn(device)
    torch.save([tensor.cpu() for tensor in found], folder / f"{rank}.pt")
    dist.destroy_process_group()


def _learn(device: torch.device) -> tuple[torch.Tensor, torch.Tensor]:
    torch.manual_seed(0)
    torch.backends.cudnn.allow_tf32 = False
    model: nn.Module = nn.Sequential(nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8), nn.ReLU(), nn.Flatten(), nn.Linear(288, 5))
    x, y = torch.randn(_ROWS, 3, 8, 8), torch.randint(5, (_ROWS,))
    model.to(device).train()
    together = model
    if dist.is_initialized():
        synchronise(model, device)
        together = nn.parallel.DistributedDataParallel(model)
    logits = gathered(together(share(x).to(device)), _ROWS)
    loss = nn.functional.cross_entropy(logits, y.to(device))
    loss.backward()  # type: ignore[no-untyped-call]
    gradient = next(model.parameters()).grad
    assert gradient is not None
    return loss.detach(), gradient
