"""Batch norm whose statistics in training mode are those of the batches of all workers together.

torch has it for GPUs only; here it is for CPUs as well, in the kernels of its plain one.
Shapes: B images, C channels; N values of a channel.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.modules.batchnorm import _BatchNorm

from sfcmt.distributed import pooled, summed
from sfcmt.errors import ModelError
from sfcmt.models.classifier import batchnorm_layers


def synchronise(model: nn.Module, device: torch.device) -> None:
    """Make the batch-norm layers that are in training mode look at the whole global batch.

    They stay the objects that they are, with the same parameters, buffers and hooks. Raises `ModelError` for a kind of
    layer that does more than batch norm and an activation.
    """
    from sfcmt.models.compat import timm

    for layer in filter(lambda layer: layer.training, batchnorm_layers(model)):
        if type(layer).forward not in (_BatchNorm.forward, timm.layers.BatchNormAct2d.forward):
            raise ModelError(f"{type(layer).__name__}: this kind of batch norm cannot be shared by several workers")
        layer.__class__ = OnCPU if device.type == "cpu" else OnGPU


class OnGPU(nn.SyncBatchNorm):
    """What a batch-norm layer becomes on GPUs: torch's own."""

    process_group = None

    def forward(self, x: Tensor) -> Tensor:
        """(B, C) or (B, C, ...) -> the same shape."""
        return _activated(self, super().forward(x))


class OnCPU(_BatchNorm):
    """What it becomes on CPUs."""

    def forward(self, x: Tensor) -> Tensor:
        """(B, C) or (B, C, ...) -> the same shape."""
        return _activated(self, self._normalise(x) if self.training else super().forward(x))

    def _check_input_dim(self, input: Tensor) -> None:
        """The layer that this was has been right for its input."""

    def _normalise(self, x: Tensor) -> Tensor:
        with torch.no_grad():
            mean_C, variance_C = torch.batch_norm_update_stats(_wide(x), None, None, 0.0)
            moments = pooled(mean_C, variance_C, x.numel() // x.shape[1])
            self._follow(*moments)
        normal: Tensor = _Normalise.apply(x, self.weight, self.bias, *moments, self.eps)  # type: ignore[no-untyped-call]
        return normal

    def _follow(self, mean_C: Tensor, variance_C: Tensor, count: Tensor) -> None:
        if self.running_mean is None or self.running_var is None or self.num_batches_tracked is None:
            return
        self.num_batches_tracked += 1
        pace = 1 / float(self.num_batches_tracked) if self.momentum is None else self.momentum
        self.running_mean.lerp_(mean_C.to(self.running_mean), pace)
        self.running_var.lerp_((variance_C * (count / (count - 1))).to(self.running_var), pace)


def _activated(layer: nn.Module, x: Tensor) -> Tensor:
    """With what one of timm's layers has after its batch norm."""
    for name in ("drop", "act"):
        after = layer._modules.get(name)
        x = x if after is None else after(x)
    return x


class _Normalise(torch.autograd.Function):
    """y = w (x - mu) / s + b, s^2 = var + eps; mu and var are functions of all workers' x in the backward pass.

    dx = w/s (dy - sum(dy)/N - x^ sum(dy x^)/N),  x^ = (x - mu)/s
    """

    @staticmethod
    def forward(
        ctx: Any, x: Tensor, weight: Tensor, bias: Tensor, mean: Tensor, variance: Tensor, count: Tensor, eps: float
    ) -> Tensor:
        ctx.save_for_backward(x, weight, mean, variance, count)
        ctx.eps = eps
        return F.batch_norm(x, mean, variance, weight, bias, training=False, eps=eps)

    @staticmethod
    def backward(ctx: Any, dy: Tensor) -> tuple[Tensor | None, ...]:
        x, weight, mean, variance, count = ctx.saved_tensors
        wide = _wide(x)
        # As if mu and var were constants; the other two gradients are the sums of the equation above.
        dx, dweight, dbias = torch.ops.aten.native_batch_norm_backward(
            dy.to(wide.dtype), wide, weight, mean, variance, None, None, False, ctx.eps, [True, True, True]
        )
        sum_dy_x, sum_dy = summed(torch.stack([dweight, dbias])) / count
        inverse = (variance + ctx.eps).rsqrt()
        scale = inverse if weight is None else inverse * weight
        slope = -scale * inverse * sum_dy_x
        offset = -scale * sum_dy - slope * mean
        across = (1, -1, *(1,) * (x.ndim - 2))
        dx.addcmul_(wide, slope.view(across)).add_(offset.view(across))
        affine = (None, None) if weight is None else (dweight, dbias)
        return dx.to(x.dtype), *affine, None, None, None, None


def _wide(x: Tensor) -> Tensor:
    return x.to(torch.promote_types(x.dtype, torch.float32))
