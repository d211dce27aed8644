"""The doctor: each check where all is well, and with something wrong; and the command against a real head node."""

from __future__ import annotations

import http.server
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from importlib.metadata import requires, version
from pathlib import Path
from typing import Any

import pytest

from sfcmt.clusters.checks.finding import Finding
from sfcmt.clusters.checks.garbage import garbage_finding
from sfcmt.clusters.checks.judging import agreement_findings, clock_finding, machine_findings
from sfcmt.clusters.checks.machine import MachineReport, examine, mlflow_problem, store_problem, unmet
from sfcmt.clusters.checks.nodes import dead_findings, marker_beside
from sfcmt.clusters.checks.settings import dashboard_finding, packing_finding, pickle_finding, token_finding
from sfcmt.clusters.doctor import _lasting_findings, as_json, table_of
from tests.clusters.head import Head
from tests.server import free_port
from tests.test_garbage import train

GOOD = MachineReport(
    machine="node a",
    versions={"python": "3.11.7", "ray": "2.60.0", "torch": "2.13.0"},
    unmet=(),
    cuda="13.0",
    gpus=("GPU 0: NVIDIA H200",),
    mps=True,
    torchvision=None,
    free_disk={"/shared": 80.0, "/tmp": 9.0},
    free_memory=64.0,
    store=None,
    tracking="http://server:5000",
    mlflow=None,
)


def problems(report: MachineReport) -> list[tuple[str, str]]:
    found = list(machine_findings(report))
    assert {finding.where for finding in found} == {report.machine}
    return [(finding.check, finding.says) for finding in found if not finding.is_well]


def test_what_there_is_to_gain_is_told_and_is_no_problem(tiny_data: Path, tmp_path: Path) -> None:
    assert garbage_finding(str(tmp_path)) == Finding("here", "garbage", "none")
    train(tiny_data, str(tmp_path), "gone-1.0")
    found = garbage_finding(str(tmp_path))
    assert found == Finding("here", "garbage", "2 folders that nothing uses, 0.0 MiB: sfcmt gc")
    assert found.is_well


@contextmanager
def answering(status: int, body: str) -> Iterator[str]:
    """The address of a server that gives one answer to everything."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            self.end_headers()
            self.wfile.write(body.encode())

        def log_message(self, format: str, *args: Any) -> None:
            """Nothing."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.mark.parametrize(
    ("mps", "words"), [(True, "side by side"), (False, "before `ray start`"), (None, "not installed")]
)
def test_says_how_trials_share_a_gpu(mps: bool | None, words: str) -> None:
    (said,) = [found.says for found in machine_findings(replace(GOOD, mps=mps)) if "one GPU" in found.check]
    assert words in said
    assert not [found for found in machine_findings(replace(GOOD, mps=mps, gpus=())) if "one GPU" in found.check]


def test_a_good_machine_has_no_problem() -> None:
    assert problems(GOOD) == []
    assert problems(replace(GOOD, gpus=(), cuda=None, free_memory=None, tracking="", mlflow=None)) == []


@pytest.mark.parametrize(
    ("changes", "check", "words"),
    [
        ({"unmet": ("ray 2.40.0 is not >=2.60",)}, "packages", "ray 2.40.0 is not >=2.60"),
        ({"cuda": None}, "GPU", "1 GPU(s), and torch is built without CUDA"),
        ({"torchvision": "cannot be imported"}, "torchvision", "cannot be imported"),
        ({"free_disk": {"/shared": 80.0, "/tmp": 4.9}}, "disk", "/tmp: 4.9 GiB free"),
        ({"free_memory": 1.9}, "memory", "1.9 GiB free"),
        ({"store": "/shared: cannot be written"}, "store", "/shared: cannot be written"),
        ({"mlflow": "http://server:5000: cannot be reached"}, "MLflow", "http://server:5000: cannot be reached"),
    ],
)
def test_each_fault_of_a_machine_is_one_problem(changes: dict[str, Any], check: str, words: str) -> None:
    assert problems(replace(GOOD, **changes)) == [(check, words)]


def test_nodes_that_differ_are_named() -> None:
    twin, bare = replace(GOOD, machine="node b"), replace(GOOD, machine="node c", gpus=(), cuda=None)
    (finding,) = agreement_findings([GOOD, twin, bare])
    assert finding.is_well
    old = replace(twin, versions=GOOD.versions | {"ray": "2.59.0"})
    (finding,) = agreement_findings([GOOD, old, bare])
    assert finding.says == "ray: 2.60.0 on node a and node c, 2.59.0 on node b"
    (finding,) = agreement_findings([GOOD, replace(twin, cuda="12.8")])
    assert finding.says == "torch is built for CUDA 12.8, 13.0"
    assert finding.remedy


@pytest.mark.parametrize(
    ("sent", "seen", "received", "is_well"),
    [
        (100.0, 100.1, 100.2, True),
        (100.0, 101.0, 100.2, True),
        (100.0, 101.3, 100.2, False),
        (100.0, 98.9, 100.2, False),
        (100.0, 103.0, 105.0, True),  # a slow answer: it may have been read at 103.0
        (100.0, 106.1, 105.0, False),
    ],
)
def test_a_clock_is_wrong_by_more_than_the_call_took(sent: float, seen: float, received: float, is_well: bool) -> None:
    assert clock_finding("node a", sent, seen, received).is_well == is_well


def test_lost_nodes_are_told_from_ended_ones() -> None:
    nodes = [
        {"NodeID": f"{letter * 8}", "NodeManagerAddress": "10.0.0.1", "Alive": letter == "a"} | death
        for letter, death in (
            ("a", {"DeathReason": 0, "DeathReasonMessage": ""}),
            ("b", {"DeathReason": 1, "DeathReasonMessage": "ended"}),
            ("c", {"DeathReason": 2, "DeathReasonMessage": "missed too many heartbeats"}),
            ("d", {"DeathReason": 4, "DeathReasonMessage": "idle"}),
        )
    ]
    (finding,) = dead_findings(nodes)
    assert (finding.where, finding.says) == ("10.0.0.1/cccccc", "dead: missed too many heartbeats")


def test_requirements_that_are_not_met_are_found() -> None:
    assert list(unmet(requires("sfcmt") or ())) == []
    stated = ["numpy>=99", "no-such-package>=1; extra == 'tuning'", "no-such-either; extra == 'lite0'", "torch>=2"]
    first, second = unmet(stated)
    assert first.startswith(f"numpy {version('numpy')} ")
    assert first.endswith("is not >=99")
    assert second == "no-such-package is missing"


def test_a_store_is_written_to_and_told_from_another(tmp_path: Path) -> None:
    (tmp_path / "store").mkdir()
    assert store_problem(str(tmp_path / "store")) is None
    assert store_problem(str(tmp_path / "not" / "yet")) is None
    with marker_beside(str(tmp_path / "store")) as marker:
        assert marker is not None
        assert store_problem(str(tmp_path / "store"), marker) is None
    assert store_problem(str(tmp_path / "store"), marker) == (
        f"{tmp_path}/store: is another folder here than at the driver"
    )
    (tmp_path / "file").touch()
    assert store_problem(str(tmp_path / "file" / "store")) == (
        f"{tmp_path}/file/store: cannot be written: Not a directory"
    )
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["file", "store"]


def test_mlflow_is_reached_or_not(tmp_path: Path) -> None:
    with answering(200, "OK") as address:
        assert mlflow_problem(address) is None
        assert mlflow_problem(f"{address}/") is None
    with answering(503, "") as address:
        assert mlflow_problem(address) == f"{address}: answers 503 Service Unavailable"
    port = free_port()
    problem = mlflow_problem(f"http://user:secret@127.0.0.1:{port}")
    assert problem is not None
    assert problem.startswith(f"http://127.0.0.1:{port}: cannot be reached")
    (tmp_path / "tracking.db").touch()
    assert mlflow_problem(f"sqlite:///{tmp_path}/tracking.db") is None
    assert mlflow_problem(f"sqlite:///{tmp_path}/none/mlflow.db") is None
    assert str(mlflow_problem(f"sqlite:///{tmp_path}/tracking.db/mlflow.db")).endswith("Not a directory")


def test_tokens_and_pickles(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("RAY_AUTH_TOKEN", "RAY_AUTH_TOKEN_PATH", "RAY_AUTH_MODE", "MLFLOW_ALLOW_PICKLE_DESERIALIZATION"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert "lets everybody in" in token_finding().says
    (tmp_path / ".ray").mkdir()
    (tmp_path / ".ray" / "auth_token").write_text("0" * 64)
    assert token_finding().is_well
    monkeypatch.setenv("RAY_AUTH_MODE", "disabled")
    assert token_finding().says == "RAY_AUTH_MODE is disabled"
    assert pickle_finding().is_well
    monkeypatch.setenv("MLFLOW_ALLOW_PICKLE_DESERIALIZATION", "True")
    assert "any code" in pickle_finding().says


def test_a_dashboard_without_a_token_is_a_problem() -> None:
    with answering(200, '{"authentication_mode": "disabled"}') as address:
        assert "lets everybody" in dashboard_finding(address, expected=False).says
    with answering(404, "") as address:
        assert "is no dashboard" in dashboard_finding(address, expected=True).says
    nowhere = f"http://127.0.0.1:{free_port()}"
    assert dashboard_finding(nowhere, expected=False).is_well
    assert not dashboard_finding(nowhere, expected=True).is_well


def test_a_working_directory_that_cannot_be_submitted(tmp_path: Path) -> None:
    (tmp_path / "hunt.yaml").write_text("x: 1")
    assert packing_finding(tmp_path).says == "1 files of 0.0 MiB"
    with (tmp_path / "weights.bin").open("wb") as file:
        file.truncate(101 * 2**20)
    finding = packing_finding(tmp_path)
    assert "largest: weights.bin 101.0 MiB" in finding.says
    assert ".rayignore" in finding.remedy


def test_this_machine_reports_itself(tmp_path: Path) -> None:
    report = examine("here", str(tmp_path / "store"), "")
    assert report.versions["python"] == ".".join(map(str, sys.version_info[:3]))
    assert set(report.free_disk) >= {str(tmp_path)}
    assert (report.store, report.mlflow, report.torchvision, report.unmet) == (None, None, None, ())
    assert "MLflow" not in {finding.check for finding in machine_findings(report)}


@pytest.mark.slow
def test_a_broken_torchvision_is_found(tmp_path: Path) -> None:
    (tmp_path / "torchvision").mkdir()
    (tmp_path / "torchvision" / "__init__.py").write_text("raise RuntimeError('operator torchvision::nms is missing')")
    code = "from sfcmt.clusters.checks.machine import torchvision_problem; print(torchvision_problem())"
    environment = os.environ | {"PYTHONPATH": str(tmp_path)}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert done.stdout == "cannot be imported: operator torchvision::nms is missing\n"


def test_findings_are_shown_with_what_to_do() -> None:
    findings = [Finding("here", "token", "there is one"), Finding("node a", "clock", "+3.00 s", "have NTP set it")]
    assert json.loads(as_json(findings))["findings"][1]["remedy"] == "have NTP set it"
    cells = [list(column.cells) for column in table_of(findings).columns]
    assert cells[0] == ["ok", "!!"]
    assert cells[3] == ["there is one", "+3.00 s\n-> have NTP set it"]


def test_what_a_job_keeps_in_its_own_folder_is_a_problem(tmp_path: Path) -> None:
    lasting = list(_lasting_findings(str(tmp_path / "store"), f"sqlite:///{tmp_path}/mlflow.db"))
    assert [(one.where, one.check, one.is_well) for one in lasting] == [("job", "store", True), ("job", "MLflow", True)]
    store, mlflow = _lasting_findings("sfcmt-store", "sqlite:///mlflow.db")
    assert "'sfcmt-store' is in the job's own folder" in store.says
    assert "MLFLOW_TRACKING_URI is unset" in mlflow.says


@pytest.mark.slow
@pytest.mark.xdist_group("ray")
def test_a_cluster_is_looked_at_from_outside(head: Head, tmp_path: Path) -> None:
    def doctor(*arguments: str, **variables: str) -> tuple[int, dict[tuple[str, str], dict[str, str]]]:
        code, out = head.run(tmp_path, "doctor", "--json", *arguments, **variables)
        found = json.loads(out.splitlines()[-1])["findings"]
        return code, {(one["where"].partition("/")[0], one["check"]): one for one in found}

    lasting = {"SFCMT_STORE": str(tmp_path / "store"), "MLFLOW_TRACKING_URI": f"sqlite:///{tmp_path}/mlflow.db"}
    code, found = doctor(**lasting)
    wrong = [one for one in found.values() if one["remedy"] and one["check"] not in ("disk", "memory")]
    assert wrong == []
    (node,) = {where for where, _ in found} - {"here", "cluster", "job"}
    checks = {"packages", "GPU", "torchvision", "disk", "memory", "store", "clock"}
    assert {check for where, check in found if where == node} == checks
    assert {check for where, check in found if where == "job"} == {"store", "MLflow", "garbage"}
    assert found["cluster", "dashboard"]["says"] == f"{head.address}: asks for a token"
    assert "ray 2." in found[node, "packages"]["says"]
    assert code == (1 if any(one["remedy"] for one in found.values()) else 0)
    assert not list(tmp_path.glob(".sfcmt*"))

    code, found = doctor("--address", f"http://127.0.0.1:{free_port()}", **lasting)
    assert code == 1
    assert "cannot be reached" in found["cluster", "connection"]["says"]
    assert found["cluster", "connection"]["remedy"].startswith("give the dashboard's address")
