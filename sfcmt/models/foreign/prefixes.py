"""Prefixes that wrappers put before the names of a network's tensors."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping

from torch import Tensor

WRAPPERS = ("module.", "_orig_mod.", "model.", "backbone.", "network.", "net.")
"""Of data-parallel training, `torch.compile`, and of modules that hold the network."""


def _best_prefix(names: Collection[str], wanted: Collection[str]) -> str:
    """The wrappers' prefix, repeated and stacked perhaps, without which the most names are wanted ones; the shortest.

    Names without it count as they are. A network's own `model.` or `backbone.` is kept: to remove it fits nothing.
    """
    return max(_chain(names), key=lambda prefix: _fitting(names, prefix, wanted))


def into_line(tensors: Mapping[str, Tensor], wanted: Collection[str]) -> tuple[dict[str, Tensor], str]:
    """The tensors without the prefix of the wrappers that the network was saved in, and that prefix."""
    prefix = _best_prefix(tensors, wanted)
    return {name.removeprefix(prefix): tensor for name, tensor in tensors.items()}, prefix


def _chain(names: Collection[str]) -> Iterator[str]:
    """No prefix, then the commonest one, then that with the commonest one behind it, and so on."""
    prefix = ""
    while True:
        yield prefix
        rests = [name.removeprefix(prefix) for name in names if name.startswith(prefix)]
        count = Counter(wrapper for rest in rests for wrapper in WRAPPERS if rest.startswith(wrapper))
        if not count:
            return
        prefix += count.most_common(1)[0][0]


def _fitting(names: Collection[str], prefix: str, wanted: Collection[str]) -> int:
    stripped = {name.removeprefix(prefix) for name in names}
    return len(stripped.intersection(wanted)) if len(stripped) == len(names) else -1
