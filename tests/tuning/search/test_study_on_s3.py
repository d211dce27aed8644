"""A search whose store and models are on S3: started on one machine, killed, ended on another, judged from a third."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from subprocess import STDOUT

import mlflow
import pytest
import torch
import yaml

from sfcmt.models.target_model import TargetModel
from sfcmt.storage import Storage, local_folder
from sfcmt.testing.tiny import SIZE
from sfcmt.tuning.models import load_model
from sfcmt.tuning.search.optuna_study import SearchError
from sfcmt.tuning.search.study import Study
from tests.command import Command
from tests.database import new_database
from tests.patience import PATIENCE
from tests.reading import read_until
from tests.s3 import s3_server
from tests.tuning.conftest import using

pytestmark = [pytest.mark.slow, pytest.mark.long, pytest.mark.xdist_group("search")]

TRIALS, EPOCHS = 3, 8


class Lab:
    """A spec, a tracking database, and several machines with nothing in common but these and the object store."""

    def __init__(self, folder: Path, data: Path, endpoint: str) -> None:
        self.folder, self.database = folder, new_database(folder)
        self.store = f"s3://bucket/lab?endpoint_override={endpoint}"
        self._endpoint = endpoint
        experiment = {
            "method": "tgkt",
            "data": {"folder": str(data), "size": SIZE},
            "source": {"backbone": "small", "pretrained": False, "epochs": 2, "batch": 16, "lr": 2e-3, "head_lr": 1},
            "bridge": {"epochs": 1, "batch": 16},
            "transfer": {"epochs": EPOCHS, "batch": 16},
        }
        (folder / "tiny.yaml").write_text(yaml.safe_dump(experiment))
        spec = {
            "experiment": "tiny.yaml",
            "space": {"transfer.beta_f": {"log": [0.1, 10]}},
            "anchors": ["source_only"],
            "search": {"trials": TRIALS, "startup": 2},
            "resources": {"concurrent": 1},
        }
        (folder / "hunt.yaml").write_text(yaml.safe_dump(spec))

    def start(self, machine: str, *command: str) -> Command:
        """Start a command on a machine."""
        environment = {**os.environ, **self.variables(machine)}
        return Command("-m", "sfcmt", *command, cwd=self.folder, env=environment, stderr=STDOUT, start_new_session=True)

    def run(self, machine: str, *command: str) -> tuple[int, str]:
        """Run a command to its end; its exit code, and what it prints."""
        process = self.start(machine, *command)
        output, _ = process.communicate(timeout=PATIENCE)
        return process.wait(), output

    def variables(self, machine: str) -> dict[str, str]:
        """The environment on a machine."""
        return {
            "SFCMT_STORE": self.store,
            "SFCMT_CACHE": str(self.folder / machine),
            "MLFLOW_TRACKING_URI": self.database,
            "MLFLOW_S3_ENDPOINT_URL": self._endpoint,
            "COLUMNS": "200",
        }


@pytest.fixture
def lab(tiny_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Lab]:
    with s3_server() as endpoint:
        lab = Lab(tmp_path, tiny_data, endpoint)
        for name, value in lab.variables("test").items():
            monkeypatch.setenv(name, value)
        with using(lab.database):  # whatever server a test before has named in this process
            yield lab


def test_a_killed_search_goes_on_elsewhere_and_is_judged_from_anywhere(lab: Lab) -> None:
    mlflow.MlflowClient(lab.database).create_experiment("hunt", "s3://bucket/models")
    first = lab.start("one", "tune", "hunt.yaml")
    read_until(first.stdout, "trial 1: started")
    with pytest.raises(SearchError, match="on an object store a study has one at a time"):
        Study.find("hunt", lab.store).driving().__enter__()
    os.killpg(first.pid, signal.SIGKILL)
    first.communicate()
    finished = [trial for trial in Study.find("hunt", lab.store).trials if trial.state.is_finished()]

    code, output = lab.run("two", "tune", "hunt.yaml", "--json")
    assert code == 0, output
    selection = json.loads(output.splitlines()[-1])
    study = Study.find("hunt", lab.store)
    assert [trial.state.name for trial in study.trials] == ["COMPLETE"] * TRIALS
    assert 0 < len(finished) < TRIALS
    assert [trial.datetime_complete for trial in study.trials if trial in finished] == [
        trial.datetime_complete for trial in finished
    ]
    assert "trial 0: started" not in output
    remote = Storage(lab.store)
    kinds = [name.split("-")[0] for name in remote.names("stages")]
    assert [kinds.count(kind) for kind in ("source", "bridge", "transfer")] == [1, 1, TRIALS + 1]
    assert remote.names("partial") == []

    code, output = lab.run("three", "score", "hunt")
    assert code == 0, output
    (name,) = remote.names("studies")
    scores = json.loads(remote.read(f"studies/{name}/scores.json") or b"")
    assert scores["winner"] == selection["winner"]
    copies = [local_folder(lab.store).name]
    assert sorted(path.name for path in (lab.folder / "three" / copies[0] / "stages").iterdir()) == sorted(
        found for found in remote.names("stages") if found.startswith("transfer")
    )
    assert_model_is_on_s3(lab, study, selection["winner"])


def assert_model_is_on_s3(lab: Lab, study: Study, winner: int) -> None:
    client = mlflow.MlflowClient(lab.database)
    runs = client.search_runs([client.get_experiment_by_name("hunt").experiment_id])
    assert len(runs) == TRIALS + 1
    (parent,) = [run for run in runs if "mlflow.parentRunId" not in run.data.tags]
    assert parent.info.artifact_uri.startswith("s3://bucket/models")
    model, spec = load_model(f"runs:/{parent.info.run_id}/model")
    images = torch.rand(2, spec.channels, spec.size, spec.size)
    with torch.no_grad():
        expected = TargetModel.load(study.artifact(study.trials[winner]))(images)
        assert torch.allclose(model(images), expected, atol=1e-4)
