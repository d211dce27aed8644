"""Clusters that do not answer, and places where Ray cannot start: each is one line within seconds."""

from __future__ import annotations

import logging
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
import ray

from sfcmt.callbacks import Callback
from sfcmt.clusters import connection
from sfcmt.clusters.connection import ClusterError, connect
from sfcmt.clusters.doctor import diagnose
from sfcmt.clusters.reachability import require_cluster, temporary_problem
from sfcmt.clusters.session import ray_session
from tests.server import free_port


@pytest.fixture(autouse=True)
def unconnected(monkeypatch: pytest.MonkeyPatch) -> None:
    """As in a process of its own: other tests of this one are drivers of a cluster."""
    monkeypatch.setattr(ray, "is_initialized", lambda: False)


@pytest.fixture
def silent() -> Iterator[int]:
    """The port of a server that takes connections and never answers."""
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen(8)
        yield int(server.getsockname()[1])


@pytest.mark.parametrize("address", ["127.0.0.1:{port}", "no-such-host.invalid:6379", "nonsense"])
def test_a_stale_address_is_one_line_that_says_what_to_do(monkeypatch: pytest.MonkeyPatch, address: str) -> None:
    stale = address.format(port=free_port())
    monkeypatch.setenv("RAY_ADDRESS", stale)
    with pytest.raises(ClusterError, match=rf"^RAY_ADDRESS {stale}: no cluster answers.*unset RAY_ADDRESS.*$"):
        require_cluster(stale)
    with pytest.raises(ClusterError, match="no cluster answers"), ray_session(Callback()):
        pytest.fail("there is none")


def test_the_doctor_says_so_and_ends(tmp_path: Path) -> None:
    stale = f"127.0.0.1:{free_port()}"
    (found,) = [one for one in diagnose(stale, str(tmp_path)) if one.where == "cluster"]
    assert found.check == "connection"
    assert found.says.startswith(f"RAY_ADDRESS {stale}: no cluster answers")
    assert found.remedy.startswith("start the cluster, or unset RAY_ADDRESS")


def test_a_dashboard_that_never_answers_is_one_line(silent: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "_SECONDS", 0.2)
    monkeypatch.setenv("RAY_API_SERVER_ADDRESS", "")
    handlers = [*logging.getLogger("ray").handlers, *logging.getLogger().handlers]
    levels = [handler.level for handler in handlers]
    with pytest.raises(ClusterError, match=rf"^http://127.0.0.1:{silent}: cannot be reached within 0.2 s .*HEAD:8265"):
        connect(f"http://127.0.0.1:{silent}")
    assert [handler.level for handler in handlers] == levels  # others, such as a test's or a notebook's, are heard


def test_ray_s_folder_must_be_short_and_writable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAY_TMPDIR", "/tmp")
    assert temporary_problem() is None
    monkeypatch.setenv("RAY_TMPDIR", f"/tmp/{'long' * 20}")
    assert "bytes too long a path for Ray's sockets" in str(temporary_problem())
    with pytest.raises(ClusterError, match="set RAY_TMPDIR to a short path"), ray_session(Callback()):
        pytest.fail("Ray cannot start")
    monkeypatch.setenv("RAY_TMPDIR", "/proc")
    assert str(temporary_problem()).startswith("/proc/ray: cannot be written (")
    monkeypatch.setenv("RAY_TMPDIR", "/dev/null")
    assert str(temporary_problem()) == "/dev/null/ray: cannot be written (Not a directory)"
