"""Submitting a command of sfcmt as a Ray job, so that the same command joins its job instead of doubling it.

A submission's name is made of the command, the contents of the files that it names (and that these YAML files name),
and the store. It is not the study's identity: that needs the data set, which may be on the cluster only. Ray accepts a
name once, so that of two submissions at the same moment one joins the other.
"""

from __future__ import annotations

import hashlib
import os
import re
import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from sfcmt.clusters.connection import ClusterError, plain_errors
from sfcmt.clusters.packing import check_size, packed_files
from sfcmt.clusters.persistence import is_persistent
from sfcmt.errors import DataError
from sfcmt.identity import digest
from sfcmt.text_files import read_text
from sfcmt.yaml_files import parse_yaml

if TYPE_CHECKING:
    from ray.job_submission import JobDetails, JobSubmissionClient

PASSED_ON = (
    "MLFLOW_TRACKING_URI",
    "MLFLOW_S3_ENDPOINT_URL",
    "SFCMT_STORE",
    "AWS_ENDPOINT_URL",
    "AWS_REGION",
    "AWS_DEFAULT_REGION",
)
"""Variables that a job gets from where it is submitted, if set. None is a secret: Ray shows them to its users."""
ENTRYPOINT = "python -m sfcmt"
_STOP_SECONDS = {"RAY_JOB_STOP_WAIT_TIME_S": "120"}  # Ray's own 3 s are fewer than a search needs to pause
_LOCK = "constraints.txt"
_UNPACKED = "${RAY_RUNTIME_ENV_CREATE_WORKING_DIR}"  # filled in by Ray, where the job runs


@dataclass(frozen=True)
class Submission:
    """A command to be run as a job, with the working directory and the variables that it takes along."""

    command: tuple[str, ...]
    folder: Path
    variables: dict[str, str]
    install: bool = False

    def __post_init__(self) -> None:
        store = self.variables.get("SFCMT_STORE")
        if store is not None and not is_persistent(store):
            raise ClusterError(f"SFCMT_STORE: {store!r} is not allowed for a job; allowed: an absolute path, or a URI")
        sizes = packed_files(self.folder)
        check_size(self.folder, sizes)
        for path in _named_paths(self.command):
            packed = path == "." or any(name == path or name.startswith(f"{path}/") for name in sizes)
            if os.path.exists(self.folder / path) and not packed:  # noqa: PTH110  (Path.exists raises on long words)
                where = "outside the working directory" if path.startswith("..") else "left out by an ignore file"
                raise ClusterError(f"{path}: {where} ({self.folder}), so that the job would not have it")

    @cached_property
    def name(self) -> str:
        """What jobs of this submission are called; a second one has `-2` at its end."""
        files = {
            path.as_posix(): hashlib.sha256((self.folder / path).read_bytes()).hexdigest() for path in self._files()
        }
        words = [self.command[0], *(Path(word).stem for word in self.command[1:2])]
        readable = "-".join(re.sub(r"[^A-Za-z0-9_]+", "-", word).strip("-") for word in words)
        return f"{readable}-{digest([self.command, files, self.variables.get('SFCMT_STORE')])[:10]}"

    @property
    def entrypoint(self) -> str:
        """The shell command of the job."""
        return f"{ENTRYPOINT} {shlex.join(self.command)}"

    @property
    def runtime_env(self) -> dict[str, Any]:
        """Ray's description of the files, variables and packages that the job has."""
        packages = {"pip": {"packages": _locked(self.folder)}} if self.install else {}
        return {"working_dir": str(self.folder), "env_vars": _STOP_SECONDS | self.variables, **packages}

    def _files(self) -> list[Path]:
        """Files that the command names, and those that YAML files among them name."""
        found: dict[Path, None] = {}
        waiting = [Path(path) for path in _named_paths(self.command)]
        while waiting:
            path = waiting.pop()
            if path in found or not os.path.isfile(self.folder / path):  # noqa: PTH113  (likewise)
                continue
            found[path] = None
            if path.suffix in (".yaml", ".yml"):
                waiting += [Path(text) for text in _strings(_read_yaml(self.folder / path))]
        return sorted(found)


def passed_on(extra: Sequence[str] = ()) -> dict[str, str]:
    """The variables of this process that a job gets: `PASSED_ON`, if set, and `extra`, which must be set."""
    if missing := [name for name in extra if name not in os.environ]:
        raise ClusterError(f"--env: {', '.join(missing)} is not set here")
    return {name: os.environ[name] for name in (*PASSED_ON, *extra) if os.environ.get(name)}


def submit_or_join(client: JobSubmissionClient, submission: Submission) -> tuple[str, bool]:
    """Submit, unless such a job is waiting or running; its id, and whether it was there already."""
    with plain_errors(client.get_address()):
        earlier = _attempts(client, submission.name)
    if earlier and not earlier[max(earlier)].status.is_terminal():
        return str(earlier[max(earlier)].submission_id), True
    number = max(earlier, default=0) + 1
    job_id = submission.name if number == 1 else f"{submission.name}-{number}"
    with plain_errors(client.get_address()):
        try:
            client.submit_job(
                entrypoint=submission.entrypoint, submission_id=job_id, runtime_env=submission.runtime_env
            )
        except RuntimeError:
            if number not in _attempts(client, submission.name):
                raise
            return job_id, True  # somebody was faster
    return job_id, False


def _attempts(client: JobSubmissionClient, name: str) -> dict[int, JobDetails]:
    """Jobs of a submission, by their number."""
    attempt = re.compile(rf"{re.escape(name)}(?:-(\d+))?")
    matches = [(attempt.fullmatch(str(job.submission_id)), job) for job in client.list_jobs()]
    return {int(match[1] or 1): job for match, job in matches if match}


def _named_paths(command: Sequence[str]) -> Iterator[str]:
    """Relative paths among the words of a command; of key=value it is the value."""
    for word in command[1:]:
        path = word.partition("=")[2] or word
        if not (path.startswith(("-", "~")) or Path(path).is_absolute()):
            yield os.path.normpath(path)


def _read_yaml(path: Path) -> object:
    try:
        return parse_yaml(read_text(path))
    except (yaml.YAMLError, DataError):
        return None  # the job itself says what is wrong with it


def _strings(document: object) -> Iterator[str]:
    match document:
        case str():
            yield document
        case dict():
            for value in document.values():
                yield from _strings(value)
        case list():
            for value in document:
                yield from _strings(value)


def _locked(folder: Path) -> list[str]:
    """This project, installed from the working directory, with everything below it as the lock says."""
    if not (folder / _LOCK).is_file():
        raise ClusterError(f"--install: {folder / _LOCK}: no such file; submit from a checkout of sfcmt")
    lock = hashlib.sha256((folder / _LOCK).read_bytes()).hexdigest()
    return [f"# {lock}", f"-c {_UNPACKED}/{_LOCK}", f"{_UNPACKED}[tuning,s3]"]  # Ray keeps environments by these lines
