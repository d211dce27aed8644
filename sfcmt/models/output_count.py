"""How many outputs the network had whose weights a file holds."""

from __future__ import annotations

from torch import nn

from sfcmt.models.weights_file import Weights


def outputs_in(weights: Weights, network: nn.Module, outputs: int) -> int:
    """Rows of the head's weights, where `network` is of the same architecture with `outputs` outputs; else those."""
    heads = [name for name, module in network.named_modules() if _outputs(module) == outputs]
    for head in reversed(heads):
        for name, tensor in weights.tensors.items():
            if f".{name}".endswith(f".{head}.weight"):
                return tensor.shape[0]
    return outputs


def _outputs(module: nn.Module) -> int | None:
    return getattr(module, "out_features", getattr(module, "out_channels", None))
