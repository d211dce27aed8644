"""From the outputs of a network to the logits of a task's classes.

Shapes: B images, N outputs of the network, K classes.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal

import torch
from torch import Tensor, nn

Merge = Literal["logsumexp", "logmeanexp"]


class ClassOutputs(nn.Module):
    """Merges groups of outputs into classes: the softmax over the results is renormalised over what is left.

    `logsumexp` adds the probabilities of a group, so that large groups win where the network is unsure; `logmeanexp`
    takes their mean. Without groups, each output is a class; a single one is the second of two: [0, z].
    """

    def __init__(self, groups: Sequence[Sequence[int]] | None, merge: Merge) -> None:
        super().__init__()
        self._groups, self._merge = groups, merge

    def forward(self, z_BN: Tensor) -> Tensor:
        """(B, N) -> (B, K)."""
        if z_BN.shape[1] == 1:
            z_BN = torch.cat([torch.zeros_like(z_BN), z_BN], dim=1)
        if self._groups is None:
            return z_BN
        return torch.stack([self._merged(z_BN[:, list(group)]) for group in self._groups], dim=1)

    def _merged(self, z_BG: Tensor) -> Tensor:
        total_B = z_BG.logsumexp(dim=1)
        return total_B - math.log(z_BG.shape[1]) if self._merge == "logmeanexp" else total_B
