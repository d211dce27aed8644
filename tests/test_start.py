"""Verbs that train nothing start at once, since they import nothing that takes seconds. Each in a Python of its own."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.database import new_database
from tests.tuning.search.test_study import study_of

pytestmark = pytest.mark.slow
CODE = """
import atexit, json, runpy, sys
atexit.register(lambda: print("\\n" + json.dumps(sorted(name for name in sys.modules if "." not in name))))
sys.argv = ["sfcmt", *sys.argv[1:]]
runpy.run_module("sfcmt", run_name="__main__", alter_sys=True)
"""
SLOW = {"torch", "torchvision", "timm", "ray", "mlflow", "matplotlib", "scipy", "sklearn", "statsmodels"}
EXPERIMENT = "method: tgkt\ndata: {folder: mine}\n"
SEARCH = "experiment: demo\nspace: {transfer.beta_f: {log: [0.1, 10]}}\nsearch: {trials: 3}\n"
ABLATION = "experiment: demo\ndesign: leave_one_out\nfactors: {self: {transfer.beta_self: 0}}\n"


def imported(folder: Path, *arguments: str) -> set[str]:
    """What a command that succeeds has imported."""
    command = [sys.executable, "-c", CODE, *arguments]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return set(json.loads(done.stdout.splitlines()[-1]))


@pytest.mark.parametrize("command", ["--help", "list", "schema", "validate demo", "validate demo --json"])
def test_what_needs_no_file(tmp_path: Path, command: str) -> None:
    assert imported(tmp_path, *command.split()) & SLOW == set()


@pytest.mark.parametrize("text", [EXPERIMENT, SEARCH, ABLATION], ids=["experiment", "search", "ablation"])
def test_validate(tmp_path: Path, text: str) -> None:
    (tmp_path / "mine.yaml").write_text(text)
    assert imported(tmp_path, "validate", "mine.yaml") & SLOW == set()


def test_history_needs_what_mlflow_needs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from mlflow import MlflowClient

    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri := new_database(tmp_path))
    MlflowClient(uri).create_registered_model("net")
    assert imported(tmp_path, "history", "net") & SLOW <= {"mlflow", "scipy"}  # MLflow imports scipy itself


def test_study_needs_what_optuna_needs(tiny_data: Path, tmp_path: Path) -> None:
    study = study_of(tiny_data, tmp_path / "store")
    assert imported(tmp_path, "study", str(study.folder)) & SLOW <= {"scipy"}
