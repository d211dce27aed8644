"""What the cluster files say of each other and of the project is so: names, versions, secrets, costs."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml
from sqlalchemy import create_engine

import sfcmt.clusters
from sfcmt.clusters.packing import packed_files

FOLDER = Path(sfcmt.clusters.__file__).resolve().parent
ROOT = FOLDER.parent
SECRETS = set(re.findall(r"^([A-Z_]+)=$", (FOLDER / "compose/.env.example").read_text(), re.MULTILINE))


def load(name: str) -> Any:
    return yaml.safe_load((FOLDER / name).read_text())


CLUSTER = load("kuberay/raycluster.yaml")["spec"]
HEAD = CLUSTER["headGroupSpec"]["template"]["spec"]["containers"][0]
ENV = {entry["name"]: entry["value"] for entry in HEAD["env"]}
JOB = load("kuberay/rayjob.yaml")["spec"]
COMPOSE = load("compose/compose.yaml")
SERVICES: list[dict[str, Any]] = list(yaml.safe_load_all((FOLDER / "kuberay/services.yaml").read_text()))
PODS = {
    resource["metadata"]["name"]: resource["spec"]["template"]["spec"]
    for resource in SERVICES
    if "template" in resource.get("spec", {})
}


def containers(pod: dict[str, Any]) -> list[dict[str, Any]]:
    return [*pod.get("initContainers", []), *pod["containers"]]


@pytest.mark.parametrize(("name", "scheme"), [("aws", "s3"), ("gcp", "gs")])
def test_the_cloud_clusters_cost_little_and_are_closed(name: str, scheme: str) -> None:
    config = load(f"autoscaler/{name}.yaml")
    head, gpu = (config["available_node_types"][kind] for kind in ("head", "gpu"))
    assert head["resources"]["CPU"] == 0
    assert (gpu["min_workers"], gpu["resources"]["GPU"]) == (0, 1)
    spot = {"aws": "'MarketType': 'spot'", "gcp": "'preemptible': True"}[name]
    assert spot in str(gpu["node_config"])
    assert spot not in str(head["node_config"])
    assert 0 < config["idle_timeout_minutes"] <= 10
    assert "--env=RAY_AUTH_MODE=token" in config["docker"]["run_options"]
    assert config["file_mounts"] == {"~/.ray/auth_token": "~/.ray/auth_token"}
    assert any(option.startswith(f"--env=SFCMT_STORE={scheme}://") for option in config["docker"]["run_options"])
    (start,) = (command for command in config["head_start_ray_commands"] if "--head" in command)
    assert "--dashboard-host=127.0.0.1" in start


def test_the_kubernetes_job_runs_on_the_kubernetes_cluster() -> None:
    cluster = JOB["rayClusterSpec"]
    head = cluster["headGroupSpec"]["template"]["spec"]
    search = [head["volumes"].pop(), head["containers"][0]["volumeMounts"].pop()]
    assert [part["name"] for part in search] == ["search", "search"]
    assert f"{search[1]['mountPath']}/search.yaml" in JOB["entrypoint"]
    assert cluster == CLUSTER


def test_the_kubernetes_cluster_is_closed_and_its_head_takes_no_work() -> None:
    (workers,) = CLUSTER["workerGroupSpecs"]
    assert CLUSTER["authOptions"] == {"mode": "token"}
    assert CLUSTER["headGroupSpec"]["rayStartParams"]["num-cpus"] == "0"
    assert CLUSTER["enableInTreeAutoscaling"]
    assert (workers["minReplicas"], workers["replicas"]) == (0, 0)
    assert workers["template"]["spec"]["containers"][0]["resources"]["limits"]["nvidia.com/gpu"] == "1"
    assert f"ray=={CLUSTER['rayVersion']}\n" in (ROOT / "constraints.txt").read_text()


def test_the_kubernetes_job_goes_on_after_a_failure_and_frees_its_machines() -> None:
    assert JOB["backoffLimit"] >= 1
    assert JOB["suspend"] is False
    assert JOB["shutdownAfterJobFinishes"]
    assert JOB["ttlSecondsAfterFinished"] > 0


def test_addresses_are_those_of_the_services() -> None:
    kubernetes = {
        (resource["metadata"]["name"], port["port"])
        for resource in SERVICES
        if resource["kind"] == "Service"
        for port in resource["spec"]["ports"]
    }
    for address in (ENV["AWS_ENDPOINT_URL"], ENV["MLFLOW_TRACKING_URI"]):
        name, port = address.removeprefix("http://").split(":")
        assert (name, int(port)) in kubernetes
    assert kubernetes == {
        (name, int(service["ports"][0].split(":")[-1]))
        for name, service in COMPOSE["services"].items()
        if "ports" in service
    }
    for name in ("buckets", "mlflow"):
        assert COMPOSE["services"][name]["environment"]["AWS_ENDPOINT_URL"] == ENV["AWS_ENDPOINT_URL"]


def test_compose_and_kubernetes_run_the_same_images() -> None:
    kubernetes = {
        container["image"].removeprefix("REGISTRY/") for pod in PODS.values() for container in containers(pod)
    }
    assert kubernetes == {service["image"] for service in COMPOSE["services"].values()}
    assert all(re.search(r":v?\d|:cpu$", image) for image in kubernetes)


def test_buckets_are_made_the_same_way() -> None:
    (program,) = (line for line in COMPOSE["services"]["buckets"]["entrypoint"] if "import boto3" in line)
    assert program in PODS["mlflow"]["initContainers"][0]["command"]
    compile(program, "buckets", "exec")
    artifacts = COMPOSE["services"]["mlflow"]["command"][-1].removeprefix("--artifacts-destination=")
    for store in (artifacts, ENV["SFCMT_STORE"]):
        assert f'"{store.split("/")[2]}"' in program


def test_no_secret_is_written_down() -> None:
    assert {"PGPASSWORD", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"} == SECRETS
    for service in COMPOSE["services"].values():
        for name, value in service["environment"].items():
            if re.search("PASSWORD|KEY", name):
                secret = re.fullmatch(r"\$\{([A-Z_]+):\?.+\}", value)
                assert secret, (name, value)
                assert secret[1] in SECRETS
    for pod in PODS.values():
        for entry in (entry for container in containers(pod) for entry in container["env"]):
            if re.search("PASSWORD|KEY", entry["name"]):
                assert entry["valueFrom"]["secretKeyRef"]["key"] in SECRETS


def test_compose_is_for_this_machine_only_and_whole() -> None:
    for service in COMPOSE["services"].values():
        assert all(port.startswith("127.0.0.1:") for port in service.get("ports", []))
        assert all(volume.split(":")[0] in COMPOSE["volumes"] for volume in service.get("volumes", []))
        assert all(config["source"] in COMPOSE["configs"] for config in service.get("configs", []))
        for other, wait in service.get("depends_on", {}).items():
            assert (wait["condition"] == "service_healthy") == ("healthcheck" in COMPOSE["services"][other])
    assert {name for name, service in COMPOSE["services"].items() if "ports" in service} == {
        name for name, service in COMPOSE["services"].items() if "healthcheck" in service
    }


def test_the_image_is_made_of_what_there_is() -> None:
    text = (FOLDER / "docker/Dockerfile").read_text()
    copied = {source for line in re.findall(r"^COPY (.+) \S+$", text, re.MULTILINE) for source in line.split()}
    assert all((ROOT / source).exists() for source in copied)
    ignored = [line for line in (ROOT / ".dockerignore").read_text().splitlines() if not line.startswith("#")]
    assert ignored[0] == "*"
    assert {line[1:] for line in ignored if line.startswith("!")} == copied
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    packages = set(project["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"])
    packages |= {path.resolve().name for path in (ROOT / "sfcmt").iterdir() if path.is_symlink()}
    assert packages | {"pyproject.toml", "README.md", "LICENSE", "constraints.txt"} == copied
    extras = re.findall(r"\[([a-z0-9,]+)\]\"", text)
    assert extras
    assert set(extras[0].split(",")) <= project["project"]["optional-dependencies"].keys()
    assert re.search(r"^USER 1000$", text, re.MULTILINE)
    assert 'ENTRYPOINT ["sfcmt"]' in text


def test_jobs_do_not_take_data_stores_or_secrets_along(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAY_RUNTIME_ENV_IGNORE_GITIGNORE", "1")  # .rayignore has to do by itself
    kept = {".rayignore", "my-search.yaml", "sfcmt/cli.py", "sfcmt/data/schema.py", "reports/tables.py"}
    left = {
        "data/nyu/source.parquet", "sfcmt-store/stages/a/model.safetensors", "mlflow.db", "mlruns/0/meta.yaml",
        ".venv/bin/python", ".git/config", "clusters/compose/.env", "sfcmt/__pycache__/cli.pyc",
    }  # fmt: skip
    for name in kept | left:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text((ROOT / name).read_text() if name == ".rayignore" else "x")
    assert packed_files(tmp_path).keys() == kept


@pytest.mark.parametrize("file", ["README.md", "compose/compose.yaml", "kuberay/services.yaml", "kuberay/rayjob.yaml"])
def test_the_driver_of_every_database_is_one_that_the_image_installs(file: str) -> None:
    urls = re.findall(r"postgresql[\w+]*://[\w@.:/]+", (FOLDER / file).read_text().replace("HOST:", "host:"))
    assert urls
    for url in urls:
        assert create_engine(url).dialect.driver == "psycopg2"
