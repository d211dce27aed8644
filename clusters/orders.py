"""Orders: what to train, as plain values that mean the same in every process and on every node."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sfcmt.config import Runtime
from sfcmt.data.opening import open_elsewhere
from sfcmt.experiment import parse_experiment
from sfcmt.stages.stage import Stage
from sfcmt.storage import absolute_store, local_folder


@dataclass(frozen=True)
class StageOrder:
    """A stage, and the runtime to train it with."""

    kind: type[Stage]
    experiment: dict[str, Any]
    folder: Path
    """Of the data set."""
    seed: int
    runtime: Runtime

    @staticmethod
    def of(stage: Stage, runtime: Runtime) -> StageOrder:
        """The order that means this stage. One thread for each CPU, unless the runtime says otherwise."""
        threads = runtime.threads or max(1, int(runtime.cpus_per_worker))
        return StageOrder(
            type(stage),
            stage.experiment.model_dump(mode="json"),
            stage.dataset.folder.resolve(),
            stage.seed,
            runtime.model_copy(update={"store": absolute_store(runtime.store), "threads": threads}),
        )

    def stage(self) -> Stage:
        """The stage, in this process."""
        experiment = parse_experiment(self.experiment)
        dataset = open_elsewhere(experiment.data, self.folder, local_folder(self.runtime.store))
        return self.kind(experiment, dataset, self.seed)
