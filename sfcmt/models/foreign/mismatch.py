"""In what tensors by name differ from those that a network has."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from torch import Tensor

from sfcmt.models.foreign.stored_tensor import shape_text
from sfcmt.models.foreign.text import listed, shortened

COUNTER = "num_batches_tracked"
"""A buffer of batch normalisation that nothing is computed from: it may be missing, and of any type."""

State = Mapping[str, Tensor]


@dataclass(frozen=True)
class Mismatch:
    """What of a file does not fit a network; all empty if it fits."""

    missing: tuple[str, ...]
    unexpected: tuple[str, ...]
    shapes: tuple[str, ...]
    kinds: tuple[str, ...]
    outputs: tuple[int, int] | None
    """(in the file, in the network), where all that differs is the number of outputs."""

    def __bool__(self) -> bool:
        return bool(self.missing or self.unexpected or self.shapes or self.kinds)

    def text(self, tensors: int) -> str:
        """All on one line; `tensors` is how many the network has."""
        counted = (
            (self.missing, f" of {tensors} missing", ", "),
            (self.unexpected, " unexpected", ", "),
            (self.shapes, " of another shape", "; "),
            (self.kinds, " of another kind of number", "; "),
        )
        return ", ".join(
            f"{len(names)}{what} ({listed(names, separator=separator)})" for names, what, separator in counted if names
        )


def mismatch(state: State, wanted: State) -> Mismatch:
    """Compares a file's tensors with a network's, which may be on the meta device."""
    common = [name for name in wanted if name in state]
    shapes = [name for name in common if state[name].shape != wanted[name].shape]
    missing = tuple(name for name in wanted if name not in state and not _is_counter(name))
    unexpected = tuple(name for name in state if name not in wanted)
    kinds = tuple(
        f"{shortened(name)}: {_kind(state[name])} here, {_kind(wanted[name])} in the network"
        for name in common
        if _number(state[name]) != _number(wanted[name]) and not _is_counter(name)
    )
    texts = tuple(
        f"{shortened(name)}: {shape_text(state[name].shape)} here, {shape_text(wanted[name].shape)} in the network"
        for name in shapes
    )
    outputs = None if missing or unexpected or kinds else _outputs(state, wanted, shapes)
    return Mismatch(missing, unexpected, texts, kinds, outputs)


def _outputs(state: State, wanted: State, names: Iterable[str]) -> tuple[int, int] | None:
    """The one pair of first sizes in which all shapes differ. Only the last layer has no other layer behind it."""
    pairs = set()
    for name in names:
        ours, theirs = state[name].shape, wanted[name].shape
        if not ours or not theirs or ours[1:] != theirs[1:]:
            return None
        pairs.add((ours[0], theirs[0]))
    return pairs.pop() if len(pairs) == 1 else None


def _is_counter(name: str) -> bool:
    return name.rpartition(".")[2] == COUNTER


def _number(tensor: Tensor) -> tuple[bool, bool]:
    return tensor.is_floating_point(), tensor.is_complex()


def _kind(tensor: Tensor) -> str:
    return str(tensor.dtype).removeprefix("torch.")
