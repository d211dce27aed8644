"""The bridge stage, TGMB: train the translator T so that the frozen source model can read target images.

Source: arXiv 2401.05014, section 3.2.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import ClassVar

from sfcmt.config import BridgeConfig
from sfcmt.data.schema import Split
from sfcmt.stages.source import SourceStage
from sfcmt.stages.stage import Stage, Workspace


class BridgeStage(Stage):
    """Trains T and the discriminator D; F_s and C_s stay as they are."""

    kind: ClassVar[str] = "bridge"
    version: ClassVar[int] = 1
    reads: ClassVar[tuple[Split, ...]] = (Split.PAIRS, Split.TARGET)

    @property
    def config(self) -> BridgeConfig:
        """The experiment's `bridge` section."""
        return self.experiment.bridge

    @cached_property
    def upstream(self) -> Sequence[Stage]:
        """The source model."""
        return (SourceStage(self.experiment, self.dataset, self.seed),)

    def train(self, workspace: Workspace) -> dict[str, float]:
        """Train T and save it; its losses are in the curves."""
        from sfcmt.stages.bridge_training import train_bridge

        train_bridge(self, workspace)
        return {}
