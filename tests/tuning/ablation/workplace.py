"""A folder with an ablation of the tiny experiment, a store and a tracking database of its own."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import mlflow
import pyarrow as pa
import yaml

from sfcmt.testing.tiny import SIZE
from sfcmt.tuning.ablation.spec import load_ablation
from sfcmt.tuning.ablation.study import Ablation
from tests.command import Command
from tests.database import new_database
from tests.patience import PATIENCE

SEEDS = 2
EXPERIMENT: dict[str, Any] = {
    "method": "tgkt",
    "source": {"backbone": "small", "pretrained": False, "epochs": 3, "batch": 16, "lr": 3e-3, "head_lr": 1},
    "bridge": {"epochs": 1, "batch": 16},
    "transfer": {"epochs": 2, "batch": 16, "lr": 3e-3, "head_lr": 1, "pseudo": {"threshold": 0}},
    "runtime": {"threads": 1},
}
SPEC: dict[str, Any] = {
    "experiment": "tiny.yaml",
    "design": "leave_one_out",
    "factors": {"features": {"transfer.beta_f": 0}, "self": {"transfer.beta_self": 0}},
    "seeds": SEEDS,
}


class Workplace:
    """Where one ablation, called `cut`, is run."""

    def __init__(self, folder: Path, data: Path, **changes: Any) -> None:
        folder.mkdir()
        self.folder, self.uri = folder, new_database(folder)
        experiment = EXPERIMENT | {"data": {"folder": str(data), "size": SIZE}}
        experiment["runtime"] |= {"store": str(folder / "store")}
        (folder / "tiny.yaml").write_text(yaml.safe_dump(experiment))
        spec = SPEC | {"experiment": str(folder / "tiny.yaml")} | changes
        (folder / "cut.yaml").write_text(yaml.safe_dump(spec, sort_keys=False))

    def ablation(self) -> Ablation:
        """The study, opened in this process."""
        return Ablation("cut", load_ablation(str(self.folder / "cut.yaml")))

    def start(self, *options: str) -> Command:
        """Start `sfcmt ablate`."""
        environment = {**os.environ, "MLFLOW_TRACKING_URI": self.uri, "COLUMNS": "200"}
        return Command("-m", "sfcmt", "ablate", "cut.yaml", *options, cwd=self.folder, env=environment)

    def finish(self) -> tuple[str, dict[str, Any]]:
        """Run to the end; what was printed, and its last line."""
        process = self.start("--jobs", "2", "--json")
        out, error = process.communicate(timeout=PATIENCE)
        assert process.returncode == 0, out + error
        return out, dict(json.loads(out.splitlines()[-1]))

    def results(self) -> bytes:
        """`results.arrow`."""
        return (self.ablation().folder / "results.arrow").read_bytes()

    def table(self) -> pa.Table:
        """What it holds."""
        return self.ablation().results()

    def runs(self) -> list[mlflow.entities.Run]:
        """All MLflow runs."""
        client = mlflow.MlflowClient(self.uri)
        experiment = client.get_experiment_by_name("cut")
        return [] if experiment is None else list(client.search_runs([experiment.experiment_id]))
