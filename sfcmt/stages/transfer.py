"""The transfer stage: from the source model to a target model, by any method.

It never sees TR source images, nor target labels.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any, ClassVar

from sfcmt.config import TransferConfig
from sfcmt.data.schema import Split
from sfcmt.outputs import OUTPUTS
from sfcmt.stages.bridge import BridgeStage
from sfcmt.stages.method import METHODS, Method
from sfcmt.stages.source import SourceStage
from sfcmt.stages.stage import Stage, Workspace


class TransferStage(Stage):
    """Runs the experiment's method and keeps its model and its outputs."""

    kind: ClassVar[str] = "transfer"
    version: ClassVar[int] = 1
    reads: ClassVar[tuple[Split, ...]] = (Split.PAIRS, Split.TARGET)

    @property
    def config(self) -> TransferConfig:
        """The experiment's `transfer` section."""
        config: TransferConfig = self.experiment.transfer
        return config

    @property
    def name(self) -> str:
        """The method's name."""
        return self.experiment.method

    @cached_property
    def method(self) -> type[Method[Any]]:
        """The experiment's method."""
        return METHODS[self.experiment.method]

    @cached_property
    def upstream(self) -> Sequence[Stage]:
        """The source model, the bridge if the method has a use for it, and the methods whose target models it uses."""
        source = SourceStage(self.experiment, self.dataset, self.seed)
        bridge = (BridgeStage(self.experiment, self.dataset, self.seed),)
        others = [self.experiment.with_method(name) for name in self.method.upstream(self.config)]
        return (
            source,
            *(bridge if self.method.needs_bridge(self.config) else ()),
            *(TransferStage(other, self.dataset, self.seed) for other in others),
        )

    @cached_property
    def recipe(self) -> dict[str, Any]:
        """The stage's recipe and the version of the method's code."""
        recipe = super().recipe | {"method_version": self.method.version}
        return recipe if self.method.trains else recipe | {"config": {}}

    def train(self, workspace: Workspace) -> dict[str, float]:
        """Make the target model, save it and its outputs."""
        from sfcmt.distributed import is_main
        from sfcmt.stages.setting import Setting, outputs_of

        setting = Setting(self.config, workspace)
        model = self.method().adapt(setting).to(workspace.device).eval()
        outputs = outputs_of(model, setting)
        if is_main():
            model.save(workspace.folder)
            outputs.save(workspace.folder / OUTPUTS)
        return {}
