"""The source stage: train F_s and C_s on TR source images, the only time that these are read."""

from __future__ import annotations

from typing import ClassVar

from sfcmt.config import SourceConfig
from sfcmt.data.schema import Split
from sfcmt.stages.stage import Stage, Workspace


class SourceStage(Stage):
    """Cross-entropy with label smoothing on augmented TR source images."""

    kind: ClassVar[str] = "source"
    version: ClassVar[int] = 1
    reads: ClassVar[tuple[Split, ...]] = (Split.SOURCE,)

    @property
    def config(self) -> SourceConfig:
        """The experiment's `source` section."""
        return self.experiment.source

    def train(self, workspace: Workspace) -> dict[str, float]:
        """Train, save the model, and report its accuracy on held-out source frames."""
        from sfcmt.stages.source_training import train_source

        return train_source(self, workspace)
