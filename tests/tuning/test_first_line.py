"""What a study says before anything heavy is loaded: the plan, and where it is kept."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest
import yaml

from sfcmt.testing.tiny import tiny_experiment

pytestmark = pytest.mark.slow
HEAVY = 3
"""Exit code of a command that was about to load Ray or MLflow."""
COMMAND = f"""
import os, sys
class Heavy:
    def find_spec(self, name, path=None, target=None):
        if name in ("torch", "ray", "mlflow"):
            os._exit({HEAVY})
sys.meta_path.insert(0, Heavy())
from sfcmt.cli import main
main()
"""
SEARCH: dict[str, object] = {
    "experiment": "tiny.yaml",
    "space": {"transfer.beta_f": {"log": [0.1, 10]}, "bridge.alpha_d": {"choice": [0, 0.1]}},
    "search": {"trials": 5},
}
ABLATION: dict[str, object] = {
    "experiment": "tiny.yaml",
    "design": "leave_one_out",
    "factors": {"self": {"transfer.beta_self": 0}},
    "seeds": 3,
    "oracles": True,
}
SEARCH_PLAN = (
    "Search mine: 5 trials over 2 fields (tpe); objective anchor_agreement, pick ensv_infomax. "
    "Ctrl-C pauses; the same command goes on."
)
ABLATION_PLAN = (
    "Ablation mine: 2 arms (leave_one_out) by 3 seeds, oracles too; oracle_balanced_accuracy compared by paired_t. "
    "Ctrl-C pauses; the same command goes on."
)


def said_before_heavy(folder: Path, data: Path, verb: str, spec: Mapping[str, object]) -> list[str]:
    """Lines of a command that ends when it is about to load Ray or MLflow."""
    experiment = tiny_experiment(data, folder / "store").model_dump(mode="json")
    (folder / "tiny.yaml").write_text(yaml.safe_dump(experiment))
    (folder / "mine.yaml").write_text(yaml.safe_dump(dict(spec)))
    command = [sys.executable, "-c", COMMAND, verb, "mine.yaml"]
    done = subprocess.run(command, cwd=folder, env=os.environ, capture_output=True, text=True, check=False)
    assert done.returncode == HEAVY, done.stdout + done.stderr
    assert done.stdout == ""
    return done.stderr.splitlines()


def test_a_search_tells_its_plan_and_its_folder_first(tiny_data: Path, tmp_path: Path) -> None:
    lines = said_before_heavy(tmp_path, tiny_data, "tune", SEARCH)
    (folder,) = (tmp_path / "store" / "studies").iterdir()
    log = tmp_path / "store" / "log" / "tune-mine.log"
    assert lines[:2] == [SEARCH_PLAN, f"Log of all epochs: {log}"]
    assert lines[3:] == [f"Study: {folder}", "loading PyTorch, Ray and MLflow"]


def test_an_ablation_tells_its_plan_first(tiny_data: Path, tmp_path: Path) -> None:
    lines = said_before_heavy(tmp_path, tiny_data, "ablate", ABLATION)
    log = tmp_path / "store" / "log" / "ablate-mine.log"
    assert lines == [ABLATION_PLAN, f"Log of all epochs: {log}", "loading PyTorch, MLflow and the data set"]
