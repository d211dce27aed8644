"""The network as a graph that needs none of our code: stored pixels in, class probabilities out."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.export import Dim, ExportedProgram

from sfcmt.models.target_model import ModelSpec

INPUT, OUTPUT, BATCH = "pixels", "probabilities", "batch"


class Probabilities(nn.Module):
    """The softmax of a model's logits."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, pixels: Tensor) -> Tensor:
        """Stored pixels (B, channels, size, size), float32 -> probabilities (B, K)."""
        logits_BK: Tensor = self.model(pixels)
        return logits_BK.softmax(dim=1)


def program_of(model: nn.Module, spec: ModelSpec) -> ExportedProgram:
    """The graph of a model that maps stored pixels to logits, for batches of any size.

    It says nothing of the machine that it is made on: files' names in its nodes are removed.
    """
    example = torch.zeros(2, spec.channels, spec.size, spec.size)  # torch makes constants of sizes 0 and 1
    program = torch.export.export(Probabilities(model), (example,), dynamic_shapes={INPUT: {0: Dim(BATCH)}})
    for node in program.graph.nodes:
        node.meta.pop("stack_trace", None)
    return program
