"""Fixed translators: stored target pixels -> the source model's normalised input, by a rule that nothing trains.

Where `bridge.translator` names one, no bridge is trained, and every model of target images, students and baselines as
well, sees what it makes in place of channel copies. It stands where images are normalised otherwise, before random
views: so it reads whole images, and knows their holes.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from sfcmt.registry import Registry

if TYPE_CHECKING:
    from torch import nn

    from sfcmt.data.manifest import Holes, Normalisation

AUTO = "auto"
"""The channel copy or the fixed translator, whichever lets the source model find held-out pairs best."""
FIXED: Registry[Callable[[Normalisation, Holes, Normalisation], nn.Module]] = Registry(
    "fixed translator", "sfcmt.models.translators.fixed", reserved=[AUTO]
)
"""Makes, from the statistics of target images, what is done with holes, and the statistics of source images, a module
that maps stored pixels of one channel (B, 1, H, W) to (B, 3, H, W).
"""
