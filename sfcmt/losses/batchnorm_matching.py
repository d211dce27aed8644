"""Inputs of the batch normalisation layers keep the statistics that the layers remember of the source data."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from types import TracebackType
from typing import NamedTuple, Self

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.utils.hooks import RemovableHandle

from sfcmt.distributed import pooled, workers


class Moments(NamedTuple):
    """Mean and variance of a layer's inputs, both (C,), by channel."""

    mean: Tensor
    variance: Tensor


def batchnorm_matching(batch_statistics: Mapping[str, Moments], source_statistics: Mapping[str, Moments]) -> Tensor:
    """Distance of a batch's statistics from the source's, over the layers l that the batch went through.

        L_BN = sum_l ||mu_l - mu_l^s||_2 + ||var_l - var_l^s||_2

    Both by layer name, as of `BatchNormStatistics.batch` and `running_statistics`. The means and variances are over
    the batch and all positions.
    Source: Yin et al., CVPR 2020 (DeepInversion), R_feature; SOCKET, Ahmed et al., ECCV 2022, the BN-statistics loss.
    """
    distances = [
        torch.linalg.vector_norm(seen - remembered)
        for layer, moments in batch_statistics.items()
        for seen, remembered in zip(moments, source_statistics[layer], strict=True)
    ]
    return torch.stack(distances).sum()


def running_statistics(module: nn.Module) -> dict[str, Moments]:
    """Copies of the running statistics of each batch normalisation layer of `module`, by the layer's name."""
    return {
        name: Moments(layer.get_buffer("running_mean").clone(), layer.get_buffer("running_var").clone())
        for name, layer in _tracking_layers(module)
    }


class BatchNormStatistics:
    """While open, notes the statistics of what enters each batch normalisation layer of `module`.

        with BatchNormStatistics(extractor) as statistics:
            extractor(images)
        loss = batchnorm_matching(statistics.batch, source_statistics)

    They are those of the latest forward pass, of all workers together, and differentiable; computed when asked for.
    The variance is the biased one.
    """

    def __init__(self, module: nn.Module) -> None:
        self._inputs: dict[str, Tensor] = {}
        self._module = module
        self._handles: list[RemovableHandle] = []

    def __enter__(self) -> Self:
        for name, layer in _tracking_layers(self._module):
            self._handles.append(layer.register_forward_pre_hook(partial(self._note, name)))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        while self._handles:
            self._handles.pop().remove()

    @property
    def batch(self) -> dict[str, Moments]:
        """Mean and variance by the layer's name."""
        own = {name: _moments(x) for name, x in self._inputs.items()}
        return own if workers() == 1 else _of_all_workers(own, len(next(iter(self._inputs.values()))))

    def _note(self, name: str, _layer: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        self._inputs[name] = inputs[0]


def _moments(x: Tensor) -> Moments:
    wide = x.to(torch.promote_types(x.dtype, torch.float32))  # a variance soon overflows float16
    dimensions = [dimension for dimension in range(x.ndim) if dimension != 1]
    variance_C, mean_C = torch.var_mean(wide, dim=dimensions, correction=0)
    return Moments(mean_C, variance_C)


def _of_all_workers(own: Mapping[str, Moments], images: int) -> dict[str, Moments]:
    """Moments over all workers' images, of which a layer sees equally many values each; in one exchange."""
    means, variances = zip(*own.values(), strict=True)
    sizes = [len(mean_C) for mean_C in means]
    mean, variance, _ = pooled(torch.cat(means), torch.cat(variances), images)
    by_layer = zip(torch.split(mean, sizes), torch.split(variance, sizes), strict=True)
    return {name: Moments(*moments) for name, moments in zip(own, by_layer, strict=True)}


def _tracking_layers(module: nn.Module) -> Iterator[tuple[str, _BatchNorm]]:
    for name, layer in module.named_modules():
        if isinstance(layer, _BatchNorm) and layer.running_mean is not None:
            yield name, layer
