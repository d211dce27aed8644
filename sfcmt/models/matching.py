"""Loading weights of a stranger's file into a network: names are brought into line, what does not fit is told."""

from __future__ import annotations

from collections.abc import Iterable

from torch import Tensor, nn

from sfcmt.errors import ModelError
from sfcmt.models.foreign.lookalikes import fitting_model
from sfcmt.models.foreign.mismatch import Mismatch, mismatch
from sfcmt.models.foreign.prefixes import into_line
from sfcmt.models.weights_file import Weights

_COUNTERS = ("total_ops", "total_params", "n_averaged")
"""What profilers and averages of weights count in buffers of their own."""


def load_weights(network: nn.Module, weights: Weights, where: str, name: str = "") -> tuple[str, ...]:
    """Loads a file's tensors into `network`, in the network's types; notes on what was done to names and types.

    `where` is the file and `name` the network (such as "timm:resnet18") in what is told. Raises `ModelError`, one line
    with everything that does not fit; the network is then as it was.
    """
    wanted = {key: tensor for key, tensor in network.state_dict().items() if isinstance(tensor, Tensor)}
    tensors = {key: tensor for key, tensor in weights.tensors.items() if not _is_extra(key, wanted)}
    state, prefix = into_line(tensors, wanted)
    if wrong := mismatch(state, wanted):
        raise ModelError(f"{where}: {_refusal(wrong, state, wanted, name)}")
    network.load_state_dict(state, strict=False)
    return tuple(_notes(prefix, state, wanted))


def _is_extra(key: str, wanted: dict[str, Tensor]) -> bool:
    return key.rpartition(".")[2] in _COUNTERS and key not in wanted


def _refusal(wrong: Mismatch, state: dict[str, Tensor], wanted: dict[str, Tensor], name: str) -> str:
    if wrong.outputs:
        return "has {} outputs, where {} classes are given".format(*wrong.outputs)
    other = fitting_model(state, name)
    return f"does not fit {name or 'the network'}: {wrong.text(len(wanted))}" + (f"; fits {other}" if other else "")


def _notes(prefix: str, state: dict[str, Tensor], wanted: dict[str, Tensor]) -> Iterable[str]:
    if prefix:
        yield f"prefix '{prefix}' removed"
    changed = {
        (str(tensor.dtype).removeprefix("torch."), str(wanted[key].dtype).removeprefix("torch."))
        for key, tensor in state.items()
        if wanted[key].is_floating_point() and tensor.dtype != wanted[key].dtype
    }
    for theirs, ours in sorted(changed):
        yield f"{theirs} weights are read as {ours}"
