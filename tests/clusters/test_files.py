"""Every file under clusters/ is valid, and says how to use it; each check finds mistakes that are planted."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
import typer

import sfcmt.clusters
from sfcmt.cli import build_app
from tests.clusters import checks

FOLDER = Path(sfcmt.clusters.__file__).resolve().parent
ROOT = FOLDER.parent
CHECKS: dict[str, Callable[[str], list[str]]] = {
    "autoscaler/aws.yaml": checks.autoscaler,
    "autoscaler/gcp.yaml": checks.autoscaler,
    "compose/compose.yaml": checks.compose,
    "docker/Dockerfile": checks.dockerfile,
    "kuberay/raycluster.yaml": checks.kubernetes,
    "kuberay/rayjob.yaml": checks.kubernetes,
    "kuberay/services.yaml": checks.kubernetes,
    "local/down.sh": checks.shell,
    "local/up.sh": checks.shell,
    "slurm/sfcmt.sbatch": checks.shell,
}
OTHERS = {"README.md", "compose/.env.example", "compose/.gitignore"}
MISTAKES = [
    ("autoscaler/aws.yaml", "idle_timeout_minutes", "idle_minutes", "'idle_minutes' was unexpected"),
    ("autoscaler/aws.yaml", "max_workers: 8", "max_workers: many", "'many' is not of type 'integer'"),
    ("autoscaler/gcp.yaml", "head_node_type: head", "heads: head", "'heads' was unexpected"),
    ("autoscaler/gcp.yaml", "  gpu:\n    min_workers", "  gpu:\n    least_workers", "'least_workers' was unexpected"),
    ("compose/compose.yaml", "healthcheck:", "health_check:", "'health_check' was unexpected"),
    ("compose/compose.yaml", "service_healthy", "healthy", "'healthy'}} is not valid"),
    ("docker/Dockerfile", "WORKDIR /home/sfcmt", "WORKDIR home", "absolute WORKDIR"),
    ("docker/Dockerfile", "--no-install-recommends ", "", "DL3015"),
    ("kuberay/raycluster.yaml", "maxReplicas: 8", 'maxReplicas: "8"', "maxReplicas: '8' is not of type 'integer'"),
    ("kuberay/raycluster.yaml", "mode: token", "mode: password", "authOptions.mode: 'password' is not one of"),
    ("kuberay/raycluster.yaml", "containerPort", "port", "'port' was unexpected"),
    ("kuberay/raycluster.yaml", "spec:\n  rayVersion", "specs:\n  rayVersion", "'spec' is a required property"),
    ("kuberay/rayjob.yaml", "  backoffLimit", "  retries", "'retries' was unexpected"),
    ("kuberay/rayjob.yaml", "groupName: gpu", "name: gpu", "'groupName' is a required property"),
    ("kuberay/services.yaml", "serviceName: postgres", "service: postgres", "'service' was unexpected"),
    ("kuberay/services.yaml", "port: 5432", "port: many", "'many' is not of type 'integer'"),
    ("local/down.sh", 'rm -rf "$folder"', 'rm -rf "$foldr"', "foldr is referenced but not assigned"),
    ("local/up.sh", "\n}\n", "\n", "SC1"),
    ("slurm/sfcmt.sbatch", '"$head:6379"', "$head:6379", "SC2086"),
]


def text(name: str) -> str:
    return (FOLDER / name).read_text()


def header(name: str) -> str:
    """The comment that a file opens with."""
    lines = text(name).splitlines()
    end = next(number for number, line in enumerate(lines) if not line.startswith("#") or line.startswith("#SBATCH"))
    return "\n".join(lines[:end])


def test_no_file_is_left_out() -> None:
    files = {path.relative_to(FOLDER).as_posix() for path in FOLDER.rglob("*") if path.is_file()}
    files = {name for name in files if not name.endswith((".py", ".pyc", "/.env"))}
    assert files == CHECKS.keys() | OTHERS
    assert len(CHECKS) == 10
    assert {name for name, *_ in MISTAKES} == CHECKS.keys()


@pytest.mark.parametrize("name", CHECKS)
def test_is_valid(name: str) -> None:
    assert CHECKS[name](text(name)) == []


@pytest.mark.parametrize(("name", "right", "wrong", "message"), MISTAKES)
def test_finds_a_planted_mistake(name: str, right: str, wrong: str, message: str) -> None:
    assert right in text(name)
    problems = CHECKS[name](text(name).replace(right, wrong, 1))
    assert any(message in problem for problem in problems), problems


@pytest.mark.parametrize("name", CHECKS)
def test_opens_with_its_commands(name: str) -> None:
    opening = header(name)
    assert re.search(r"^#   \S", opening, re.MULTILINE)
    assert "Gives:" in opening
    assert "Change" in opening


@pytest.mark.parametrize("name", [*CHECKS, "README.md"])
def test_names_only_what_there_is(name: str) -> None:
    group = typer.main.get_command(build_app())
    assert isinstance(group, typer.core.TyperGroup)
    for path in re.findall(r"\bclusters/[\w./-]*\w", text(name)):
        assert (ROOT / path).exists() or path == "clusters/compose/.env", path
    commands = "\n".join(
        re.findall(r"^(?:#   |    )\S.*", header(name) if name in CHECKS else text(name), re.MULTILINE)
    )
    for verb in re.findall(r"\bsfcmt(?::cuda|\.sbatch)? ([a-z]+)\b|submit .*-- ([a-z]+)\b(?! -m)", commands):
        assert "".join(verb) in group.commands, verb
