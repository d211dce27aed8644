"""Submitting: what is packed and how a submission is called, and the command against a real head node."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import mlflow
import pytest
import yaml
from ray._private.runtime_env.packaging import create_package
from ray._private.runtime_env.working_dir import upload_working_dir_if_needed
from ray.job_submission import JobDetails, JobStatus

from sfcmt.clusters.connection import ClusterError
from sfcmt.clusters.jobs import ending, exit_code
from sfcmt.clusters.packing import check_size, packed_files
from sfcmt.clusters.persistence import require_persistent_store
from sfcmt.clusters.submit import Submission, passed_on
from sfcmt.errors import ConfigError
from sfcmt.testing.tiny import SIZE
from sfcmt.tuning.search.study import Study
from tests.clusters.head import Head
from tests.database import new_database
from tests.patience import PATIENCE
from tests.reading import read_until

TRIALS = 12
LARGE = 101 * 2**20


def write_search(folder: Path, data: Path) -> Path:
    """A search of some seconds in `folder/hunt.yaml`; it leaves the store to SFCMT_STORE."""
    folder.mkdir(exist_ok=True)
    experiment = {
        "method": "tgkt",
        "data": {"folder": str(data), "size": SIZE},
        "source": {"backbone": "small", "pretrained": False, "epochs": 2, "batch": 16, "lr": 2e-3, "head_lr": 1},
        "bridge": {"epochs": 1, "batch": 16},
        "transfer": {"epochs": 4, "batch": 16},
    }
    spec: dict[str, Any] = {
        "experiment": "tiny.yaml",
        "space": {"transfer.beta_f": {"log": [0.1, 10]}},
        "anchors": [],
        "objective": {"validator": "infomax"},
        "search": {"trials": TRIALS, "startup": 2},
        "resources": {"concurrent": 1},
    }
    (folder / "tiny.yaml").write_text(yaml.safe_dump(experiment))
    (folder / "hunt.yaml").write_text(yaml.safe_dump(spec, sort_keys=False))
    return folder


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A working directory with a search."""
    return write_search(tmp_path / "place", Path("/data/tiny"))


def name_of(folder: Path, *command: str, **variables: str) -> str:
    return Submission(command or ("tune", "hunt.yaml"), folder, variables).name


def ended(status: str, code: int | None = None, message: str = "") -> JobDetails:
    return JobDetails(
        type="SUBMISSION",
        submission_id="tune-hunt-1",
        status=JobStatus(status),
        entrypoint="python -m sfcmt tune hunt.yaml",
        driver_exit_code=code,
        message=message,
    )


def test_what_is_packed_is_what_ray_packs(tmp_path: Path) -> None:
    for name in (
        "a.yaml",
        "data/big.bin",
        "data/small.bin",
        "deep/own/x",
        "deep/own/y",
        "runs/1",
        ".git/config",
        "later/x",
    ):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(name)
    (tmp_path / ".gitignore").write_text("runs/\n*.bin\n!small.bin\n")
    (tmp_path / ".rayignore").write_text("later/\n")
    (tmp_path / "deep" / ".rayignore").write_text("own/y\n")
    expected = {"a.yaml", "data/small.bin", "deep/own/x", "deep/.rayignore", ".gitignore", ".rayignore"}
    package_path = tmp_path.parent / "package.zip"

    def pack(folder: str, excludes: list[str], is_file: bool = False) -> None:
        create_package(folder, package_path, include_gitignore=True, excludes=excludes)

    upload_working_dir_if_needed({"working_dir": str(tmp_path)}, include_gitignore=True, upload_fn=pack)
    with ZipFile(package_path) as package:
        assert {info.filename: info.file_size for info in package.infolist()} == packed_files(tmp_path)
    assert set(packed_files(tmp_path)) == expected


def test_too_large_a_folder_is_refused_by_its_largest_entries(tmp_path: Path) -> None:
    sizes = {"data/a": 60, "data/b": 30, "model.pt": 50, "notes": 1, "runs/c": 2}
    check_size(tmp_path, sizes, most=143)
    with pytest.raises(ClusterError, match=r"largest: data/ 0\.0 MiB, model\.pt 0\.0 MiB, runs/ .*\.rayignore"):
        check_size(tmp_path, sizes, most=142)


def test_the_same_search_has_the_same_name_wherever_it_is(place: Path, tmp_path: Path) -> None:
    other = write_search(tmp_path / "other", Path("/data/tiny"))
    (other / "notes.txt").write_text("unrelated")
    assert name_of(place) == name_of(other)
    assert name_of(place).startswith("tune-hunt-")


def test_another_search_has_another_name(place: Path) -> None:
    before = name_of(place)
    names = [before, name_of(place, "tune", "hunt.yaml", "transfer.lr=1"), name_of(place, SFCMT_STORE="/shared/store")]
    (place / "tiny.yaml").write_text((place / "tiny.yaml").read_text() + "seed: 3\n")  # the spec names it
    names.append(name_of(place))
    (place / "hunt.yaml").write_text((place / "hunt.yaml").read_text() + "storage: sqlite:////x\n")
    names.append(name_of(place))
    assert len(set(names)) == len(names)


@pytest.mark.parametrize("text", ["space: [", f"experiment: {'long' * 200}", "experiment: hunt.yaml"])
def test_a_broken_spec_has_a_name_all_the_same(place: Path, text: str) -> None:
    (place / "hunt.yaml").write_text(text)
    assert name_of(place).startswith("tune-hunt-")


def test_files_that_the_job_would_lack_are_refused(place: Path) -> None:
    (place / ".rayignore").write_text("hidden\n")
    (place / "hidden").mkdir()
    (place / "hidden" / "rows").touch()
    (place.parent / "above.yaml").touch()
    with pytest.raises(ClusterError, match="hidden: left out by an ignore file"):
        name_of(place, "tune", "hunt.yaml", "data=hidden")
    with pytest.raises(ClusterError, match=r"above\.yaml: outside the working directory"):
        name_of(place, "tune", "../above.yaml")
    name_of(place, "tune", "hunt.yaml", f"data={place.parent}")  # the cluster may have it
    name_of(place, "tune", "hunt.yaml", "data=.")


def test_secrets_are_passed_on_by_name_only(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("MLFLOW_TRACKING_URI", "SFCMT_STORE", "AWS_SECRET_ACCESS_KEY", "RAY_AUTH_TOKEN"):
        monkeypatch.setenv(name, f"value of {name}")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "")
    monkeypatch.delenv("MLFLOW_S3_ENDPOINT_URL", raising=False)
    given = set(passed_on())
    assert {"MLFLOW_TRACKING_URI", "SFCMT_STORE"} <= given
    assert not {"AWS_SECRET_ACCESS_KEY", "RAY_AUTH_TOKEN", "AWS_ENDPOINT_URL"} & given
    assert passed_on(["AWS_SECRET_ACCESS_KEY"])["AWS_SECRET_ACCESS_KEY"] == "value of AWS_SECRET_ACCESS_KEY"
    with pytest.raises(ClusterError, match="MLFLOW_S3_ENDPOINT_URL is not set"):
        passed_on(["MLFLOW_S3_ENDPOINT_URL"])


def test_a_store_that_goes_with_the_job_is_refused(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ClusterError, match="SFCMT_STORE: 'store' is not allowed"):
        name_of(place, SFCMT_STORE="store")
    require_persistent_store("store")
    monkeypatch.setenv("RAY_JOB_CONFIG_JSON_ENV_VAR", "{}")
    for lasting in ("/shared/store", "~/store", "s3://bucket/store"):
        require_persistent_store(lasting)
    with pytest.raises(ConfigError, match="an absolute path"):
        require_persistent_store("store")


def test_the_entrypoint_keeps_words_together(place: Path) -> None:
    submission = Submission(("tune", "hunt.yaml", "description=a b; rm -rf"), place, {})
    assert submission.entrypoint == "python -m sfcmt tune hunt.yaml 'description=a b; rm -rf'"


def test_installing_needs_the_lock(place: Path) -> None:
    with pytest.raises(ClusterError, match=r"constraints\.txt: no such file"):
        _ = Submission(("list",), place, {}, install=True).runtime_env
    (place / "constraints.txt").write_text("numpy==2.4.6\n")
    first = Submission(("list",), place, {}, install=True).runtime_env
    (place / "constraints.txt").write_text("numpy==2.4.7\n")
    assert Submission(("list",), place, {}, install=True).runtime_env["pip"] != first["pip"]


@pytest.mark.parametrize(
    ("job", "code", "words"),
    [
        (ended("SUCCEEDED", 0), 0, "done"),
        (ended("STOPPED"), 75, "paused; it goes on with: sfcmt submit -- tune hunt.yaml"),
        (ended("FAILED", 75), 75, "paused; it goes on with: sfcmt submit -- tune hunt.yaml"),
        (ended("FAILED", 2), 2, "failed with exit code 2"),
        (ended("FAILED", -9), 137, "failed with exit code 137"),
        (ended("FAILED", None, "no\nspace left"), 1, "did not start or was lost: no space left"),
    ],
)
def test_how_a_job_ended(job: JobDetails, code: int, words: str) -> None:
    assert exit_code(job) == code
    assert words in ending(job)


@pytest.mark.long
@pytest.mark.slow
@pytest.mark.xdist_group("ray")
def test_a_search_is_joined_stopped_and_goes_on(head: Head, tiny_data: Path, tmp_path: Path) -> None:
    place, store = write_search(tmp_path / "place", tiny_data), tmp_path / "store"
    variables = {"SFCMT_STORE": str(store), "MLFLOW_TRACKING_URI": new_database(tmp_path)}
    submit = ("submit", "--", "tune", "hunt.yaml", "--json")

    first = head.start(place, *submit, **variables)
    job = first.stdout.readline().split(":")[0]
    (place / "later.txt").touch()
    second = head.start(place, *submit, **variables)
    assert second.stdout.readline() == f"{job}: runs already; joined\n"
    read_until(first.stdout, "trial 1: started")
    second.send_signal(signal.SIGINT)
    out, _ = second.communicate(timeout=PATIENCE)
    assert second.returncode == -signal.SIGINT
    assert f"{job}: runs on" in out

    code, out = head.run(place, "job", "stop", job)
    assert (code, out) == (0, f"{job}: paused; it goes on with: sfcmt submit -- tune hunt.yaml --json\n")
    out, _ = first.communicate(timeout=PATIENCE)
    assert first.returncode == 75
    assert "Paused; the same command goes on" in out  # it had the time to
    assert not list(store.rglob("selection.json"))
    before = {trial.number for trial in Study.find("hunt", store).trials if trial.state.is_finished()}
    assert 0 < len(before) < TRIALS

    code, out = head.run(place, *submit, **variables)
    lines = out.splitlines()
    assert (code, lines[-1]) == (0, f"{job}-2: done"), out
    assert not [line for number in before for line in lines if line.startswith(f"trial {number}: started")]
    selection = json.loads(next((store / "studies").rglob("selection.json")).read_text())
    assert json.loads(lines[-2]) == selection
    trials = Study.find("hunt", store).trials
    assert [trial.number for trial in trials] == list(range(TRIALS))
    assert {trial.state.name for trial in trials} == {"COMPLETE"}
    client = mlflow.MlflowClient(variables["MLFLOW_TRACKING_URI"])
    runs = client.search_runs([client.get_experiment_by_name("hunt").experiment_id])
    assert len(runs) == TRIALS + 1

    _plain_ray_job(head, place, variables, expected=f"Winner: trial {selection['winner']} ")
    code, out = head.run(place, "job", "list")
    assert code == 0
    states = [(line.split()[0], line.split()[1]) for line in out.splitlines() if line.startswith(job)]
    assert states == [(f"{job}-2", "succeeded"), (job, "stopped")]


def _plain_ray_job(head: Head, place: Path, variables: dict[str, str], expected: str) -> None:
    """Ray's own command. `test_a_store_that_goes_with_the_job_is_refused` has what it may not be told."""
    words = [str(Path(sys.executable).parent / "ray"), "job", "submit", "--working-dir", "."]
    words += ["--runtime-env-json", json.dumps({"env_vars": variables})]
    words += ["--", "python", "-m", "sfcmt", "tune", "hunt.yaml"]
    environment = head.environment(RAY_AUTH_MODE="token")
    done = subprocess.run(words, cwd=place, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert [found for found in done.stdout.splitlines() if found.startswith(expected)], done.stdout


@pytest.mark.slow
@pytest.mark.xdist_group("ray")
def test_what_goes_wrong_is_one_line_and_exit_code_2(head: Head, place: Path) -> None:
    def refused(*arguments: str, **variables: str) -> str:
        code, out = head.run(place, *arguments, **variables)
        assert code == 2, out
        (line,) = out.splitlines()
        return line

    assert "refuses the token; put the cluster's token" in refused("job", "list", RAY_AUTH_TOKEN="wrong" * 8)
    assert "asks for a token, and none was sent" in refused("job", "list", RAY_AUTH_TOKEN="", HOME=str(place))
    assert "127.0.0.1:1: cannot be reached" in refused("job", "list", "--address", "http://127.0.0.1:1")
    assert "job: 'nothing' is not there" in refused("job", "stop", "nothing")
    with (place / "weights.bin").open("wb") as file:
        file.truncate(LARGE)
    line = refused("submit", "--", "tune", "hunt.yaml")
    assert "101.0 MiB to pack, of at most 100.0 MiB; largest: weights.bin 101.0 MiB" in line


@pytest.mark.slow
@pytest.mark.xdist_group("ray")
def test_a_command_that_sfcmt_does_not_know_is_not_submitted(head: Head, place: Path) -> None:
    for command, words in ((("tnue", "hunt.yaml"), "No such command 'tnue'"), (("tune", "--jsno"), "--jsno")):
        code, out = head.run(place, "submit", "--", *command)
        assert code == 2
        assert words in out


@pytest.mark.slow
@pytest.mark.xdist_group("ray")
def test_a_failing_command_gives_its_exit_code(head: Head, place: Path) -> None:
    (place / "wrong.yaml").write_text("method: nothing\n")
    code, out = head.run(place, "submit", "--", "validate", "wrong.yaml")
    job = out.split(":")[0]
    assert (code, out.splitlines()[-1]) == (
        2,
        f"{job}: failed with exit code 2; its log says why: sfcmt job logs {job}",
    )
    code, out = head.run(place, "job", "logs", job)
    assert code == 0
    assert "error: method: 'nothing' is not allowed" in out
    code, out = head.run(place, "job", "status", job)
    assert out.startswith("failed (2), submitted 0:00:")
