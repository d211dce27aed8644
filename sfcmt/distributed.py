"""Workers that train one model together: what each does alone, and what it needs of the others.

Whoever starts a `torch.distributed` group (torchrun, Ray Train) runs the same stage in every worker; without a group
everything here is the identity. Workers hold equal weights, draw the same global batch, and look at a share of its
images each. What their models say is gathered, so that all compute the same loss of the whole batch.

Every learner passes through this: a batch hands out shares only (`Column.augmented`), `Prediction.of_all` takes nothing
but a share, and the training loop holds the workers' losses against each other.

Gradients: a collective's backward pass sums over the workers, each of which goes backward from that same loss. So the
gradient of a worker's weights is W times its share of the whole, and DDP's mean over the W workers is the whole one.
"""

from __future__ import annotations

import os

import torch
import torch.nn.functional as F
from torch import Tensor
from torch import distributed as dist
from torch.autograd.function import FunctionCtx

from sfcmt.errors import DataError, SfcmtError


class GroupError(SfcmtError):
    """Something was trained in another way than workers that train together do."""


def workers() -> int:
    """How many workers there are: 1 without a group."""
    return dist.get_world_size() if dist.is_available() and dist.is_initialized() else 1


def rank() -> int:
    """This worker's number, from 0."""
    return dist.get_rank() if workers() > 1 else 0


def is_main() -> bool:
    """Whether this is the worker that writes and tells."""
    return rank() == 0


def barrier() -> None:
    """Wait for the other workers."""
    if workers() > 1:
        dist.barrier()


def main_says(value: bool, device: torch.device) -> bool:
    """What the main worker has for `value`."""
    return bool(summed(torch.tensor(int(value and is_main()), device=device)))


def own_device(device: torch.device) -> torch.device:
    """This worker's own among the GPUs of its node, in a group on CUDA; else `device` as it is."""
    if workers() == 1 or device.type != "cuda":
        return device
    own = torch.device("cuda", int(os.environ["LOCAL_RANK"]))
    torch.cuda.set_device(own)
    return own


def share(rows_B: Tensor) -> Tensor:
    """This worker's part of the rows of a global batch; parts are contiguous and differ in length by one at most.

    Raises `DataError` for fewer rows than workers.
    """
    if len(rows_B) < workers():
        raise DataError(f"{len(rows_B)} images cannot be shared by {workers()} workers; use fewer, or a larger batch")
    return rows_B.tensor_split(workers())[rank()]


def gathered(part: Tensor, total: int) -> Tensor:
    """The parts (b, ...) of all workers as `share` cut them, in order: (total, ...). Differentiable.

    Raises `GroupError` for what is no such part.
    """
    if workers() == 1:
        return part
    lengths = _lengths(total)
    if len(part) != lengths[rank()]:
        raise GroupError(f"{len(part)} of {total} images from worker {rank() + 1}, whose share is {lengths[rank()]}")
    before = sum(lengths[: rank()])
    around = (0, 0) * (part.ndim - 1) + (before, total - before - len(part))
    return summed(F.pad(part, around))  # of zeros but for one worker's part: exact


def summed(x: Tensor) -> Tensor:
    """Sum over the workers, elementwise. Differentiable."""
    if workers() == 1:
        return x
    total: Tensor = _Sum.apply(x)  # type: ignore[no-untyped-call]
    return total


def agreed(x: Tensor) -> Tensor:
    """The mean of what each worker has computed of the whole batch. Raises `GroupError` if they differ."""
    all_WX = gathered(x.unsqueeze(0), workers())
    if all_WX.isfinite().all() and not torch.allclose(all_WX, all_WX[:1].expand_as(all_WX), rtol=1e-3, atol=1e-5):
        raise GroupError("workers differ in their losses: a learner must compute them of the whole batch")
    return all_WX.sum(dim=0) / workers()


def averaged(mean: Tensor, count: int, total: int) -> Tensor:
    """From each worker's mean over its `count` of `total` images, the mean over all. Differentiable."""
    return mean if workers() == 1 else summed(mean * (count / total))


def pooled(mean_C: Tensor, variance_C: Tensor, count: int) -> tuple[Tensor, Tensor, Tensor]:
    """From each worker's mean and biased variance of `count` values, those of all values, and their number ().

        mu = sum_w n_w/n mu_w,  var = sum_w n_w/n (var_w + (mu_w - mu)^2)

    Differentiable.
    """
    own = torch.cat([mean_C, variance_C, mean_C.new_full((1,), count)])
    all_WX = gathered(own.unsqueeze(0), workers())
    means_WC, variances_WC, counts_W1 = torch.split(all_WX, [len(mean_C), len(mean_C), 1], dim=1)
    total = counts_W1.sum()
    weights_W1 = counts_W1 / total
    all_C = (weights_W1 * means_WC).sum(dim=0)
    return all_C, (weights_W1 * (variances_WC + (means_WC - all_C).square())).sum(dim=0), total


class _Sum(torch.autograd.Function):
    @staticmethod
    def forward(ctx: FunctionCtx, x: Tensor) -> Tensor:
        total = x.clone(memory_format=torch.contiguous_format)
        dist.all_reduce(total)
        return total

    @staticmethod
    def backward(ctx: FunctionCtx, gradient: Tensor) -> Tensor:
        return summed(gradient)


def _lengths(total: int) -> list[int]:
    return [total // workers() + (worker < total % workers()) for worker in range(workers())]
