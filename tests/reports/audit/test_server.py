"""The page's server, over a real socket: who may ask for what."""

from __future__ import annotations

import http.client
import json
import re
import socket
from collections.abc import Iterator
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from sfcmt.errors import ConfigError
from sfcmt.reports.audit.page import LabellingPage
from sfcmt.reports.audit.server import PageServer
from sfcmt.reports.audit.session import Session
from tests.reports.audit.audits import audit, picked


@pytest.fixture(scope="module")
def session(tiny_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Session:
    return audit(picked(tiny_data, tmp_path_factory.mktemp("store")), labels=20)


@pytest.fixture(scope="module")
def server(session: Session) -> Iterator[PageServer]:
    page = LabellingPage(session)
    server = PageServer(0, page.gets, page.posts, page.nonce)
    Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


def ask(
    server: PageServer, method: str, path: str, body: object = None, token: str | None = None, **headers: str
) -> tuple[int, dict[str, str], bytes]:
    """A request to a path behind the token; header names are written with underscores."""
    connection = http.client.HTTPConnection("127.0.0.1", server.server_port, timeout=60)
    given = {name.replace("_", "-"): value for name, value in headers.items()}
    content = None if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
    connection.request(method, f"/{token or server.token}/{path}", content, given)
    answer = connection.getresponse()
    found = answer.status, dict(answer.getheaders()), answer.read()
    connection.close()
    return found


def post(server: PageServer, path: str, **body: Any) -> tuple[int, Any]:
    status, _, content = ask(server, "POST", path, body, Content_Type="application/json")
    return status, json.loads(content)


def test_the_page_needs_nothing_from_elsewhere(server: PageServer, session: Session) -> None:
    status, headers, content = ask(server, "GET", "")
    assert (status, headers["Cache-Control"], headers["Referrer-Policy"]) == (200, "no-store", "no-referrer")
    policy = headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    (nonce,) = set(re.findall(r"nonce-([\w-]+)", policy))
    page = content.decode()
    assert page.count(f'nonce="{nonce}"') == 2
    assert not re.findall(r"(?:src|href)=\"(?!data:,)[^\"]+|https?://", page)
    assert all(f'data-label="{name}"' in page for name in session.record.classes)


@pytest.mark.parametrize(
    ("status", "method", "path", "options"),
    [
        (404, "GET", "", {"token": "guessed"}),
        (404, "GET", "state", {"token": "\N{LATIN SMALL LETTER E WITH ACUTE}".encode().hex()}),
        (421, "GET", "", {"Host": "attacker.example"}),
        (421, "GET", "", {"Host": "127.0.0.1"}),
        (403, "POST", "undo", {"Origin": "http://attacker.example"}),
        (403, "POST", "undo", {"Origin": "null"}),
        (404, "GET", "image/colours/..%2F..%2Faudit.json", {}),
        (404, "GET", "image/colours/target-9999999", {}),
        (404, "GET", "image/infrared/target-0000000", {}),
        (404, "GET", "..%2F..%2Faudit.json", {}),
        (404, "GET", "answer", {}),
        (404, "GET", "undo", {}),
        (404, "POST", "state", {"body": {}, "Content_Type": "application/json"}),
        (400, "POST", "undo", {"body": {}, "Content_Type": "text/plain"}),
        (400, "POST", "undo", {"body": b"[]", "Content_Type": "application/json"}),
        (400, "POST", "undo", {"body": b"{", "Content_Type": "application/json"}),
        (400, "POST", "undo", {"body": b"{" + b" " * 20_000, "Content_Type": "application/json"}),
        (400, "POST", "answer", {"body": {"id": 7}, "Content_Type": "application/json"}),
        (501, "DELETE", "answer", {}),
    ],
)
def test_refuses(server: PageServer, status: int, method: str, path: str, options: dict[str, Any]) -> None:
    found, _, content = ask(server, method, path, **options)
    assert found == status
    assert server.token.encode() not in content


def test_only_the_image_that_is_next_is_labelled_and_only_by_a_class(server: PageServer, session: Session) -> None:
    ids, record = session.record.ids, session.record
    status, told = post(server, "answer", id=ids[0], label=record.classes[1])
    assert (status, told["images"], told["answered"]) == (200, ids[1:3], 1)
    for body in ({"id": ids[0], "label": None}, {"id": ids[5], "label": None}, {"id": ids[1], "label": "<b>"}):
        status, told = post(server, "answer", **body)
        assert (status, list(told)) == (409, ["error"])
        assert "\n" not in told["error"]
    assert post(server, "seal")[1] == {"error": "19 images are left to label"}
    assert record.labels == {ids[0]: record.classes[1]}
    assert post(server, "skip", id=ids[1])[1]["images"] == ids[2:4]
    assert post(server, "answer", id=ids[2], label=None)[1]["so_far"].startswith(
        "Accuracy so far by the first 1, up to"
    )
    assert post(server, "undo")[1]["images"] == [ids[2], ids[3]]
    assert json.loads(ask(server, "GET", "state")[2])["skipped"] == 1
    status, headers, content = ask(server, "GET", f"image/grey/{ids[2]}")
    assert (status, headers["Content-Type"], content[:4]) == (200, "image/png", b"\x89PNG")


def test_a_port_that_is_taken_is_told_in_a_line(server: PageServer) -> None:
    port = server.server_port
    with pytest.raises(ConfigError, match=f"--port: {port} is not allowed; allowed: a port that is free") as refused:
        PageServer(port, {}, {}, "")
    assert "\n" not in str(refused.value)


def test_it_listens_on_loopback_alone(server: PageServer) -> None:
    assert server.server_address[0] == "127.0.0.1"
    with pytest.raises(OSError, match="refused"):
        socket.create_connection(("127.0.0.2", server.server_port), timeout=60)
