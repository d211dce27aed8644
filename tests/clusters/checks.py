"""What is wrong with a cluster file: by the schemas of Ray, KubeRay, Kubernetes and Compose, or by linters."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from functools import lru_cache
from importlib import resources
from pathlib import Path
from typing import Any

import jsonschema  # type: ignore[import-untyped]
import kubernetes_validate  # type: ignore[import-untyped]
import yaml

KUBERNETES = "1.34"
SCHEMAS = Path(__file__).parent / "schemas"


def autoscaler(text: str) -> list[str]:
    """Ray's own checks of a cluster launcher's file."""
    from ray.autoscaler._private.util import prepare_config, validate_config

    try:
        validate_config(prepare_config(yaml.safe_load(text)))
    except (jsonschema.ValidationError, ValueError) as error:
        return [str(error)]
    return []


def kubernetes(text: str) -> list[str]:
    """Each document by its kind's schema; fields that the schema does not have are mistakes."""
    return [problem for document in yaml.safe_load_all(text) for problem in _resource_problems(document)]


def compose(text: str) -> list[str]:
    """By the schema of the Compose specification."""
    schema = resources.files("check_jsonschema") / "builtin_schemas" / "vendor" / "compose-spec.json"
    return _problems(json.loads(schema.read_text()), yaml.safe_load(text))


def shell(text: str) -> list[str]:
    """By ShellCheck, which parses as Bash does."""
    return _output("shellcheck", "--shell=bash", "--format=gcc", "-", text=text)


def dockerfile(text: str) -> list[str]:
    """By Hadolint, which has ShellCheck read the commands."""
    return _output("hadolint", "--no-color", "-", text=text)


def _output(tool: str, *options: str, text: str) -> list[str]:
    command = [str(Path(sys.executable).with_name(tool)), *options]
    done = subprocess.run(command, input=text, capture_output=True, text=True, check=False)
    assert not done.stderr, done.stderr
    return done.stdout.splitlines()


def _resource_problems(document: dict[str, Any]) -> list[str]:
    if document["apiVersion"] == "ray.io/v1":
        return _problems(_kuberay(document["kind"]), document)
    try:
        kubernetes_validate.validate(document, KUBERNETES, strict=True)
    except kubernetes_validate.ValidationError as error:
        return [f"{error.path}: {error.message}"]
    return []


def _problems(schema: dict[str, Any], document: dict[str, Any]) -> list[str]:
    errors = jsonschema.validators.validator_for(schema)(schema).iter_errors(document)
    return [f"{error.json_path}: {error.message}" for error in errors]


@lru_cache
def _kuberay(kind: str) -> dict[str, Any]:
    """The strict schema of a RayJob, or of the RayCluster in it."""
    schema = json.loads((SCHEMAS / "kuberay-rayjobs-v1.json").read_text())
    properties = schema["properties"]
    if kind == "RayCluster":
        properties["spec"] = properties["spec"]["properties"]["rayClusterSpec"]
    properties["metadata"] = {"type": "object"}
    for part in list(_parts(schema)):
        if "properties" in part:
            part.setdefault("additionalProperties", False)
    return {**schema, "required": ["apiVersion", "kind", "metadata", "spec"]}


def _parts(schema: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """A schema and all schemas in it."""
    yield schema
    for part in schema.get("properties", {}).values():
        yield from _parts(part)
    for name in ("items", "additionalProperties"):
        if isinstance(schema.get(name), dict):
            yield from _parts(schema[name])
