"""A network that this process has: `module:NAME`, an entry of a table that `sfcmt.SourceModel.from_module` fills."""

from __future__ import annotations

import copy
import hashlib
import inspect
from typing import Any, ClassVar

from torch import Tensor, nn

from sfcmt.errors import ModelError
from sfcmt.models.expected_input import ExpectedInput
from sfcmt.models.source_kind import ONE_PROCESS, Brought, SourceKind
from sfcmt.models.sources import SOURCES
from sfcmt.provenance import tensors_digest

_NETWORKS: dict[str, nn.Module] = {}
"""By name, for as long as the process lives. None of them is ever changed."""


def keep(network: nn.Module) -> str:
    """Put an independent copy of a network, in float32 on the CPU, into the table; its name there.

    The name tells its class, and the digest of its tensors, its architecture, plain attributes of its layers and the
    source code of their `forward`. Raises `ModelError` where it cannot be copied.
    """
    plain = _unwrapped(network)
    if not isinstance(plain, nn.Module):
        raise ModelError(f"a {type(plain).__name__} is no nn.Module")
    try:
        own = copy.deepcopy(plain, _derived(plain)).cpu().float().requires_grad_(True).eval()
    except (RuntimeError, TypeError) as error:
        raise ModelError(f"{type(plain).__name__}: cannot be copied ({str(error).splitlines()[0]})") from error
    name = f"{type(own).__name__}-{_digest(own)}"
    _NETWORKS[name] = own
    return name


@SOURCES.register("module")
class HeldModule(SourceKind):
    """Its input and its classes are those that the user tells."""

    runs_code: ClassVar[bool] = True
    in_process: ClassVar[bool] = True

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        _held(self.reference)

    def digest(self) -> str:
        """Its name has it."""
        return self.reference

    def expects(self) -> ExpectedInput:
        """ImageNet's, as nothing says otherwise."""
        return ExpectedInput()

    def names(self) -> None:
        """None are known."""

    def bring(self, size: int) -> Brought:
        """A copy of the table's."""
        arguments = {"name": self.reference}
        return Brought(self.build(arguments), arguments)

    @classmethod
    def build(cls, arguments: dict[str, Any]) -> nn.Module:
        """A copy of the table's. Raises `ModelError` in a process that does not have it."""
        return copy.deepcopy(_held(arguments["name"]))


def _held(name: str) -> nn.Module:
    if name not in _NETWORKS:
        raise ModelError(f"module:{name}: {ONE_PROCESS}")
    return _NETWORKS[name]


def _unwrapped(network: Any) -> Any:
    """What `torch.compile` or `DataParallel` was given."""
    return network.module if isinstance(network, nn.DataParallel) else getattr(network, "_orig_mod", network)


def _derived(network: nn.Module) -> dict[int, Tensor]:
    """Copies of attributes that gradients lead to, such as a normalised weight: torch does not copy these."""
    attributes = [value for layer in network.modules() for value in vars(layer).values()]
    return {id(one): one.detach().clone() for one in attributes if isinstance(one, Tensor) and not one.is_leaf}


def _digest(network: nn.Module) -> str:
    code = sorted({_forward(type(layer)) for layer in network.modules()})
    text = "\n".join([tensors_digest(_tensors(network)), repr(network), *_plain_attributes(network), *code])
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _tensors(network: nn.Module) -> dict[str, Tensor]:
    """Weights, buffers, and tensors that are neither."""
    found = network.state_dict() | dict(network.named_buffers())
    for name, layer in network.named_modules():
        found |= {f"{name}.{key}": one.float() for key, one in vars(layer).items() if isinstance(one, Tensor)}
    return found


def _plain_attributes(network: nn.Module) -> list[str]:
    """Such as a temperature."""
    return [
        f"{name}.{key} {value!r}"
        for name, layer in network.named_modules()
        for key, value in vars(layer).items()
        if isinstance(value, bool | int | float | str) and not key.startswith("_")
    ]


def _forward(kind: type[nn.Module]) -> str:
    """Source code of what a layer of this kind computes; nothing of torch's, or where Python does not have it."""
    if kind.__module__.startswith("torch."):
        return ""
    try:
        return f"{kind.__qualname__}\n{inspect.getsource(kind.forward)}"
    except (OSError, TypeError):
        return kind.__qualname__
