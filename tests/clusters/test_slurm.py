"""The Slurm script itself, with small programs in place of Slurm's and Ray's that write down how they were called."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from pathlib import Path

import pytest

import sfcmt.clusters

SCRIPT = Path(sfcmt.clusters.__file__).resolve().parent / "slurm" / "sfcmt.sbatch"
PROGRAMS = {
    "hostname": "echo 10.0.0.7 10.0.0.8",
    "ray": "true",
    "scontrol": 'echo "$@" >"$TRACES/scontrol"',
    # Runs what the head would run, then ends as if the others had been killed.
    "srun": 'printf "%s\\n" "$@" >"$TRACES/srun"; $BEFORE; while [ "$1" != -- ]; do shift; done; shift; "$@"; exit 137',
    "python": 'printf "%s\\n" "$RAY_ADDRESS" "$@" >"$TRACES/python"; $COMMAND',
}
PAUSING = 'sleep 30 & trap "kill $!; exit 75" TERM; echo >"$TRACES/running"; wait'


class Job:
    """The script, run as Slurm's batch step would be."""

    def __init__(self, folder: Path, command: str, before: str = "true") -> None:
        self.folder = folder
        for name, program in PROGRAMS.items():
            filled = program.replace("$COMMAND", command).replace("$BEFORE", before)
            (folder / name).write_text(f"#!/bin/bash\n{filled}\n")
            (folder / name).chmod(0o755)
        env = {
            "PATH": f"{folder}:{os.environ['PATH']}",
            "TRACES": str(folder / "traces"),
            "TMPDIR": str(folder / "tmp"),
            "SLURM_JOB_ID": "7",
            "SLURM_JOB_NUM_NODES": "2",
            "SLURM_CPUS_PER_TASK": "8",
        }
        (folder / "traces").mkdir()
        (folder / "tmp").mkdir()
        self.process = subprocess.Popen(
            ["bash", str(SCRIPT), "tune", "my search.yaml"], env=env, stderr=subprocess.PIPE
        )

    def wait_for(self, trace: str) -> None:
        """Until one of the programs has left its trace."""
        for _ in range(200):
            if (self.folder / "traces" / trace).exists():
                return
            time.sleep(0.05)
        pytest.fail(f"no trace of {trace}")

    def end(self) -> tuple[int, str]:
        """The exit code, and what scontrol was asked."""
        self.process.communicate(timeout=20)
        assert not list((self.folder / "tmp").iterdir())
        return self.process.returncode, self.trace("scontrol").strip()

    def trace(self, name: str) -> str:
        path = self.folder / "traces" / name
        return path.read_text() if path.exists() else ""


@pytest.mark.parametrize(
    ("command", "code", "asked"),
    [
        ("exit 0", 0, ""),
        ("exit 1", 1, ""),
        ("exit 2", 2, ""),
        ("exit 75", 75, "requeue 7"),
        ("kill -TERM $$", 143, "requeue 7"),
        ("kill -KILL $$", 137, ""),
    ],
)
def test_the_exit_code_is_the_commands_and_a_pause_queues_again(
    tmp_path: Path, command: str, code: int, asked: str
) -> None:
    assert Job(tmp_path, command).end() == (code, asked)


def test_a_warning_of_slurm_pauses_the_command(tmp_path: Path) -> None:
    job = Job(tmp_path, PAUSING)
    job.wait_for("running")
    job.process.send_signal(signal.SIGTERM)
    assert job.end() == (75, "requeue 7")


def test_a_warning_before_the_command_began_queues_again(tmp_path: Path) -> None:
    job = Job(tmp_path, "exit 0", before="exec sleep 30")
    job.wait_for("srun")
    job.process.send_signal(signal.SIGTERM)
    assert job.end() == (75, "requeue 7")
    assert not job.trace("python")


def test_a_ray_that_does_not_start_is_a_failure(tmp_path: Path) -> None:
    assert Job(tmp_path, "exit 0", before="exit 0").end() == (1, "")


def test_ray_runs_on_all_nodes_and_the_command_on_the_first(tmp_path: Path) -> None:
    job = Job(tmp_path, "exit 0")
    job.end()
    srun = job.trace("srun").splitlines()
    assert {"--nodes=2", "--ntasks-per-node=1", "--cpus-per-task=8", "--wait=10"} == set(srun[: srun.index("ray")])
    ray = srun[srun.index("ray") : srun.index("--")]
    assert ray == ["ray", "symmetric-run", "--address=10.0.0.7:6379", "--min-nodes=2", "--num-cpus=8"]
    assert job.trace("python").splitlines() == ["10.0.0.7:6379", "-m", "sfcmt", "tune", "my search.yaml"]


def test_slurm_is_told_to_warn_and_to_queue_again() -> None:
    options = {line.removeprefix("#SBATCH ") for line in SCRIPT.read_text().splitlines() if line.startswith("#SBATCH ")}
    assert {"--signal=B:TERM@120", "--requeue", "--exclusive", "--open-mode=append", "--ntasks-per-node=1"} < options
