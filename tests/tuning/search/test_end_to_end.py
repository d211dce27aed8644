"""`sfcmt tune` as users run it: real Ray, real processes, real signals."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import time
from pathlib import Path
from typing import Any

import mlflow
import pytest
import yaml

from sfcmt.commit import code_version
from sfcmt.testing.tiny import SIZE
from sfcmt.tuning.search.study import Study
from tests.clusters.head import Head
from tests.command import Command
from tests.database import new_database
from tests.patience import PATIENCE
from tests.reading import read_until
from tests.server import free_port, tracking_server
from tests.stages.test_source_free import shuffle_labels
from tests.tuning.search.storages import postgres

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("search")]

TUNE = ("tune", "hunt.yaml", "--json")
TRIALS = 5
SPEC: dict[str, Any] = {
    "space": {"transfer.beta_f": {"log": [0.1, 10]}, "transfer.lr": {"log": [1e-4, 3e-3]}},
    "anchors": ["source_only", "bn_adapt"],
    "search": {"trials": TRIALS, "startup": 2},
    "scheduler": {"asha": {"grace": 1, "reduction": 2}},
    "resources": {"concurrent": 1},
}
LEAN: dict[str, Any] = {"anchors": [], "objective": {"validator": "infomax"}}
"""For a spec whose anchors are not what a test is about: a process less that trains."""
WAIT = """
import time
from sfcmt.tuning.search.run import PauseOnSignals
with PauseOnSignals():
    print("begun", flush=True)
    time.sleep(1000)
"""


class Workplace:
    """A folder with a spec, a store and a tracking database of its own."""

    def __init__(self, folder: Path, data: Path, changes: dict[str, Any] | None = None) -> None:
        folder.mkdir()
        self.folder, self.uri = folder, new_database(folder)
        experiment = {
            "method": "tgkt",
            "data": {"folder": str(data), "size": SIZE},
            "source": {"backbone": "small", "pretrained": False, "epochs": 2, "batch": 16, "lr": 2e-3, "head_lr": 1},
            "bridge": {"epochs": 1, "batch": 16},
            "transfer": {"epochs": 3, "batch": 16},
            "runtime": {"store": "store"},
        }
        (folder / "tiny.yaml").write_text(yaml.safe_dump(experiment))
        spec = {"experiment": "tiny.yaml", **SPEC, **(changes or {})}
        (folder / "hunt.yaml").write_text(yaml.safe_dump(spec, sort_keys=False))

    def start(self, *command: str, **variables: str) -> Command:
        """Start `sfcmt tune`, or another command, with a Ray of its own unless RAY_ADDRESS names one."""
        environment = {**os.environ, "MLFLOW_TRACKING_URI": self.uri, "COLUMNS": "200", **variables}
        return Command("-m", "sfcmt", *(command or TUNE), cwd=self.folder, env=environment)

    def finish(self, **variables: str) -> dict[str, Any]:
        """Run to the end; the selection."""
        process = self.start(**variables)
        out, error = process.communicate(timeout=PATIENCE)
        assert process.returncode == 0, out + error
        selection: dict[str, Any] = json.loads(out.splitlines()[-1])
        return selection

    def trials(self) -> list[tuple[Any, ...]]:
        """What the Optuna study holds of each trial."""
        study = Study.find("hunt", self.folder / "store")
        return [(t.number, t.state.name, t.user_attrs["values"], t.intermediate_values, t.values) for t in study.trials]

    def runs(self) -> list[mlflow.entities.Run]:
        """All MLflow runs."""
        client = mlflow.MlflowClient(self.uri)
        experiment = client.get_experiment_by_name("hunt")
        return [] if experiment is None else list(client.search_runs([experiment.experiment_id]))


@pytest.fixture(scope="module")
def undisturbed(
    tiny_data: Path, tmp_path_factory: pytest.TempPathFactory, head: Head
) -> tuple[Workplace, dict[str, Any]]:
    """A search that has ended, and its selection. Leave it as it is."""
    place = Workplace(tmp_path_factory.mktemp("undisturbed") / "place", tiny_data)
    return place, place.finish(RAY_ADDRESS=head.gcs)


def test_search_ends_with_a_winner_and_one_run_per_trial(undisturbed: tuple[Workplace, dict[str, Any]]) -> None:
    place, selection = undisturbed
    trials = place.trials()
    assert len(trials) == TRIALS
    assert {state for _, state, *_ in trials} <= {"COMPLETE", "PRUNED"}
    assert trials[selection["winner"]][1] == "COMPLETE"
    assert not list((place.folder / "store" / "partial").iterdir())  # nor of trials that were stopped early
    children = [run for run in place.runs() if "mlflow.parentRunId" in run.data.tags]
    assert sorted(run.info.run_name for run in children) == sorted(f"trial {number}" for number in range(TRIALS))
    assert len(place.runs()) == TRIALS + 1
    statuses = {run.info.run_name: run.info.status for run in children}
    expected = {"COMPLETE": "FINISHED", "PRUNED": "KILLED", "FAIL": "FAILED"}
    assert statuses == {f"trial {number}": expected[state] for number, state, *_ in trials}


def test_source_and_bridge_are_trained_once(undisturbed: tuple[Workplace, dict[str, Any]]) -> None:
    place, _ = undisturbed
    kinds = [path.name.split("-")[0] for path in (place.folder / "store" / "stages").iterdir()]
    assert (kinds.count("source"), kinds.count("bridge")) == (1, 1)
    assert set(kinds) == {"source", "bridge", "transfer", "pair_evidence"}  # and no oracle


def test_again_trains_nothing_and_changes_nothing(undisturbed: tuple[Workplace, dict[str, Any]], cluster: str) -> None:
    place, selection = undisturbed
    before = {path: path.stat().st_mtime_ns for path in (place.folder / "store" / "stages").rglob("*")}
    runs = {run.info.run_id for run in place.runs()}
    assert place.finish() == selection
    assert {path: path.stat().st_mtime_ns for path in (place.folder / "store" / "stages").rglob("*")} == before
    assert {run.info.run_id for run in place.runs()} == runs


def test_killed_and_paused_and_with_other_labels_it_ends_like_an_undisturbed_one(
    undisturbed: tuple[Workplace, dict[str, Any]], tiny_data: Path, tmp_path: Path, cluster: str
) -> None:
    """Killed once, with a Ray of its own. `test_killed_again_and_again...` kills at all kinds of moments.

    Labels are sealed: that they are shuffled changes no byte of the selection.
    """
    data = Path(shutil.copytree(tiny_data, tmp_path / "data"))
    shuffle_labels(data)
    place = Workplace(tmp_path / "place", data)
    assert kill_at_random(place, 0, random.Random(0))
    pause(place)
    assert_ends_like(undisturbed, place)
    found, expected = (next((w.folder / "store").rglob("selection.json")) for w in (place, undisturbed[0]))
    assert found.read_bytes() == expected.read_bytes()


@pytest.mark.long
def test_killed_again_and_again_paused_and_aborted_it_ends_like_an_undisturbed_one(
    undisturbed: tuple[Workplace, dict[str, Any]], tiny_data: Path, tmp_path: Path
) -> None:
    place, kills = Workplace(tmp_path / "place", tiny_data), int(os.environ.get("SFCMT_TEST_KILLS", "12"))
    hits = [kill_at_random(place, moment, random.Random(moment)) for moment in range(kills)]
    assert hits[0]  # the first comes soon after a trial has started
    pause(place)
    abort(place)
    assert_ends_like(undisturbed, place)


def assert_ends_like(undisturbed: tuple[Workplace, dict[str, Any]], place: Workplace) -> None:
    reference, selection = undisturbed
    assert place.finish() == selection
    assert place.trials() == reference.trials()
    assert len(place.runs()) == TRIALS + 1


def kill_at_random(place: Workplace, moment: int, dice: random.Random) -> bool:
    """Kill a search at some time after a trial's start, or, every other time, its own; whether it was running."""
    process = place.start(RAY_ADDRESS="")
    if moment % 2:
        time.sleep(dice.uniform(6, 16))
    else:
        read_until(process.stderr, "trial ")
        time.sleep(dice.uniform(0, 2))
    process.kill()
    process.communicate()
    return process.returncode == -signal.SIGKILL


def pause(place: Workplace) -> None:
    """Terminate a search between two trials: it names no winner."""
    process = place.start()
    read_until(process.stderr, "trial ", ": started")
    process.send_signal(signal.SIGTERM)
    out, error = process.communicate(timeout=PATIENCE)
    assert process.returncode == 75, out + error
    assert "the same command goes on" in out
    assert not list((place.folder / "store").rglob("selection.json"))
    states = [state for _, state, *_ in place.trials()]
    assert len(states) < TRIALS or "RUNNING" in states


def abort(place: Workplace) -> None:
    """Ask a search to pause, and end it by a second signal before it has."""
    process = place.start()
    read_until(process.stderr, "trial ", ": started")
    process.send_signal(signal.SIGINT)
    process.send_signal(signal.SIGTERM)
    out, error = process.communicate(timeout=60)
    assert process.returncode in (128 + signal.SIGINT, 128 + signal.SIGTERM), out + error
    assert not list((place.folder / "store").rglob("selection.json"))


def test_a_second_signal_ends_it_at_once() -> None:
    """Wherever it is. `test_killed_again_and_again...` goes on with a search that has ended so."""
    process = Command("-c", WAIT)
    assert process.stdout.readline() == "begun\n"
    process.send_signal(signal.SIGINT)
    process.send_signal(signal.SIGTERM)
    assert process.wait(60) in (128 + signal.SIGINT, 128 + signal.SIGTERM)


@pytest.mark.long
def test_what_a_dead_server_missed_is_there_when_it_is_back(tiny_data: Path, tmp_path: Path, cluster: str) -> None:
    """The server has a PostgreSQL database; all is there in the end, and nothing stops meanwhile."""
    place = Workplace(tmp_path / "place", tiny_data, LEAN)
    with postgres() as uri:
        outlive_the_server(place, uri, tmp_path)


def outlive_the_server(place: Workplace, database: str, tmp_path: Path) -> None:
    """Run a search while its tracking server is killed and started again."""
    port = free_port()
    with tracking_server(tmp_path, database, port) as place.uri:
        process = place.start()
        read_until(process.stderr, "trial 1: started")
    read_until(process.stderr, f"trial {TRIALS - 1}: started")  # nothing stops meanwhile
    with tracking_server(tmp_path, database, port):
        out, error = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0, out + error
    place.uri = database
    names = {trial.number: trial.intermediate_values for trial in Study.find("hunt", place.folder / "store").trials}
    runs = {run.info.run_name: run for run in place.runs()}
    assert len(place.runs()) == TRIALS + 1
    client = mlflow.MlflowClient(database)
    for number, values in names.items():
        run_id = runs[f"trial {number}"].info.run_id
        for name in ("objective/infomax", "validator/infomax"):
            history = client.get_metric_history(run_id, name)
            assert {metric.step: metric.value for metric in history} == values
        losses = client.get_metric_history(run_id, "transfer/pair_features")
        assert [metric.step for metric in losses] == sorted(values)
        assert runs[f"trial {number}"].info.status in ("FINISHED", "KILLED")


def test_diverging_trials_fail_with_a_reason_and_none_stays_running(
    undisturbed: tuple[Workplace, dict[str, Any]], tiny_data: Path, tmp_path: Path, cluster: str
) -> None:
    changes = {"space": {"transfer.lr": {"choice": [1e-3, 1e18]}}, "search": {"trials": 2, "sampler": "grid"}}
    place = Workplace(tmp_path / "place", tiny_data, LEAN | changes | {"scheduler": {}})
    trained = undisturbed[0].folder / "store" / "stages"  # what trials start from is the same
    shutil.copytree(trained, place.folder / "store" / "stages", ignore=shutil.ignore_patterns("transfer-*"))
    place.finish()
    study = Study.find("hunt", place.folder / "store")
    failed = [trial for trial in study.trials if trial.state.name == "FAIL"]
    assert {trial.user_attrs["values"]["transfer.lr"] for trial in failed} == {1e18}
    assert all("diverged" in trial.user_attrs["reason"] for trial in failed)
    assert not [trial for trial in study.trials if trial.state.name == "RUNNING"]


@pytest.mark.long
def test_a_finished_study_is_distilled_once_and_scored_beside_its_trials(
    undisturbed: tuple[Workplace, dict[str, Any]], tiny_data: Path, tmp_path: Path
) -> None:
    reference, selection = undisturbed
    place = Workplace(tmp_path / "place", tiny_data)
    shutil.copytree(reference.folder / "store", place.folder / "store")
    said = []
    for verb in ("distill", "distill", "score"):
        verbose = ["--verbose"] if verb == "distill" else []
        process = place.start(verb, "hunt", "--store", "store", *verbose)
        out, error = process.communicate(timeout=PATIENCE)
        assert process.returncode == 0, out + error
        said.append(out + error)
        if len(said) == 1:  # as if the code had gone on since
            (path,) = place.folder.glob("store/studies/hunt-*/distilled.json")
            made = path.read_text()
            assert code_version() in made
            path.write_text(made.replace(code_version(), "earlier"))
    study = Study.find("hunt", place.folder / "store")
    distilled = study.distilled()
    assert distilled is not None
    assert sorted(distilled["trials"]) == [number for number, state, *_ in place.trials() if state == "COMPLETE"]
    assert distilled["trials"][0] == selection["winner"]
    assert distilled["commit"] == "earlier"
    assert "pool_distillation (seed 0): epoch 3/3: " in said[0]
    assert "pool_distillation (seed 0): found, not trained again" in said[1]
    assert "Distilled from the pool: " in said[2]
    scores = json.loads((study.folder / "scores.json").read_text())
    assert 0 <= scores["oracle_balanced_accuracy"]["distilled"] <= 1
    assert len([run for run in place.runs() if run.info.run_name == "distilled"]) == 1
