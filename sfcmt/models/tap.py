"""Taking a network apart into features and the linear layer on top of them, whatever its architecture.

The layer is found by what it yields in a trial, and its place is taken by a module that passes its input on: so the
tapped network is a plain module, which can be copied, compiled, exported and trained by several workers.
Shapes: B images, D features, N outputs.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple, cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from sfcmt.errors import ModelError


class Head(NamedTuple):
    """Where the head of a network is."""

    layers: tuple[str, ...]
    """The layer that yields the outputs, or the two whose mean they are."""
    dropouts: tuple[str, ...]
    """What drops features right before it."""
    unused: tuple[str, ...]
    """Parameters on which the outputs do not depend, such as auxiliary heads'."""


class _Seen(NamedTuple):
    """What a layer was given in a trial, and what it yielded."""

    given: Tensor
    outputs_BN: Tensor


def outputs_of(answer: Any) -> Tensor:
    """The tensor of a network's answer: its own, an object's `logits`, or the first of several."""
    if isinstance(answer, Tensor):
        return answer.flatten(1)
    for name in ("logits", "logits_BK"):
        if isinstance(found := getattr(answer, name, None), Tensor):
            return found
    if isinstance(answer, dict) and "logits" in answer:
        return outputs_of(answer["logits"])
    if isinstance(answer, tuple | list) and answer:
        return outputs_of(answer[0])
    raise ModelError(f"it answers with a {type(answer).__name__}, in which there are no logits")


def find_head(network: nn.Module, size: int, named: str | None) -> Head:
    """The last linear layer, or 1x1 convolution, that yields the outputs for images of `size` pixels.

    Raises `ModelError` where there is none, or where the outputs are something else than what it yields.
    """
    x = torch.randn(2, 3, size, size, generator=torch.Generator().manual_seed(0))
    seen, dropped, said_BN = _trial(network, x)
    found = [(named,)] if named else _matching(seen, said_BN)
    if named and named not in seen:
        raise ModelError(f"head: {named!r} is no linear layer that the network uses; allowed: {', '.join(seen)}")
    if len(found) != 1:
        near = [name for name, one in seen.items() if one.outputs_BN.shape == said_BN.shape]
        raise ModelError(f"no single linear layer yields the outputs; name it by head: {', '.join(near or seen)}")
    entered = {seen[name].given.data_ptr() for name in found[0]}  # in evaluation, dropout yields what it is given
    dropouts = tuple(name for name, tensor in dropped.items() if tensor.data_ptr() in entered)
    return Head(found[0], dropouts, _unused(network, x, found[0]))


def take_head(network: nn.Module, found: Head) -> nn.Linear:
    """Take the head out of the network, which yields what entered it from now on; one linear layer in its place.

    Of two layers, the features are both inputs, one after the other, each halved by the mean that the network takes.
    """
    modules = [network.get_submodule(name) for name in found.layers]
    weights = [cast("Tensor", module.weight).flatten(1) for module in modules]
    widths = [weight.shape[1] for weight in weights]
    for place, name in enumerate(found.layers):
        network.set_submodule(name, Beside(sum(widths[:place]), sum(widths[place + 1 :])))
    biases = [module.bias for module in modules if module.bias is not None]
    head = nn.Linear(sum(widths), weights[0].shape[0], bias=bool(biases))
    with torch.no_grad():
        head.weight.copy_(torch.cat(weights, dim=1))
        if biases:
            head.bias.copy_(torch.stack([cast("Tensor", bias) for bias in biases]).sum(dim=0) / len(modules))
    _switch_off(network, found.dropouts)
    return head


class Beside(nn.Module):
    """Passes its input on, with zeros before and behind it for the inputs of others."""

    def __init__(self, before: int, behind: int) -> None:
        super().__init__()
        self._pad = (before, behind)

    def forward(self, x: Tensor, *_: object) -> Tensor:
        """(..., D) or (B, D, H, W) -> the same, padded."""
        return F.pad(x, self._pad) if any(self._pad) else x


def _is_linear(module: nn.Module) -> bool:
    point = isinstance(module, nn.Conv2d) and module.kernel_size == (1, 1) and module.groups == 1
    return isinstance(module, nn.Linear) or point


@torch.no_grad()
def _trial(network: nn.Module, x: Tensor) -> tuple[dict[str, _Seen], dict[str, Tensor], Tensor]:
    """What each linear layer saw, in the order of their use, what each dropout yielded, and the network's outputs."""
    seen: dict[str, _Seen] = {}
    dropped: dict[str, Tensor] = {}  # kept, so that no other tensor takes its place in memory
    names = {module: name for name, module in network.named_modules()}

    def note(module: nn.Module, given: tuple[Tensor, ...], yielded: Tensor) -> None:
        if isinstance(module, nn.Dropout):
            dropped[names[module]] = yielded
        else:
            seen[names[module]] = _Seen(given[0], _over_positions(yielded, module))

    watched = [module for module in names if _is_linear(module) or isinstance(module, nn.Dropout)]
    handles = [module.register_forward_hook(note) for module in watched]
    try:
        said = outputs_of(network.eval()(x))
    finally:
        for handle in handles:
            handle.remove()
    return seen, dropped, said


def _over_positions(tensor: Tensor, module: nn.Module) -> Tensor:
    if isinstance(module, nn.Conv2d):
        return tensor.mean(dim=(2, 3))
    return tensor.flatten(1, -2).mean(dim=1) if tensor.ndim > 2 else tensor


def _matching(seen: dict[str, _Seen], said_BN: Tensor) -> list[tuple[str, ...]]:
    """The layers that yield what the network says; else the pairs of them whose mean does."""
    alike = {name: one.outputs_BN for name, one in seen.items() if one.outputs_BN.shape == said_BN.shape}
    single: list[tuple[str, ...]] = [(name,) for name, outputs in alike.items() if _alike(outputs, said_BN)]
    if single:
        return single[-1:]
    names = [*alike]
    return [
        (first, second)
        for place, first in enumerate(names)
        for second in names[place + 1 :]
        if _alike((alike[first] + alike[second]) / 2, said_BN)
    ]


def _alike(first: Tensor, second: Tensor) -> bool:
    return torch.allclose(first, second, rtol=1e-3, atol=1e-4)


def _unused(network: nn.Module, x: Tensor, layers: Sequence[str]) -> tuple[str, ...]:
    """Parameters on which the outputs do not depend, such as auxiliary heads': workers wait for all gradients."""
    parameters = {
        name: parameter
        for name, parameter in network.named_parameters()
        if parameter.requires_grad and name.rpartition(".")[0] not in layers
    }
    with torch.enable_grad():
        total = outputs_of(network.eval()(x)).sum()
        gradients = torch.autograd.grad(total, [*parameters.values()], allow_unused=True)
    return tuple(name for name, gradient in zip(parameters, gradients, strict=True) if gradient is None)


def _switch_off(network: nn.Module, dropouts: Sequence[str]) -> None:
    """Features are what enters the head before its dropout."""
    for name in dropouts:
        cast("nn.Dropout", network.get_submodule(name)).p = 0.0
    if isinstance(getattr(network, "drop_rate", None), float):  # timm's models may drop in a function of their own
        network.drop_rate = 0.0  # type: ignore[assignment]
