"""The page's server: on loopback alone, for whoever knows its token, and for nothing but the images that were drawn.

Every path begins with the token, which is made anew for each server. Requests by another host's name are refused, as a
name that a stranger's page has pointed at loopback (DNS rebinding); so is what a page of another origin sends.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Mapping
from hmac import compare_digest
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socket import socket
from sys import exc_info
from threading import Event
from typing import Any
from urllib.parse import unquote

from sfcmt.errors import ConfigError, OutageError, Problem, SfcmtError

HOST = "127.0.0.1"
_LONGEST = 10_000
"""Bytes of a request that are read."""
_HEADERS = {
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Content-Security-Policy": (
        "default-src 'none'; img-src 'self' data:; connect-src 'self'; style-src 'nonce-{nonce}'; "
        "script-src 'nonce-{nonce}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
}
Gets = Mapping[str, Callable[[str], tuple[str, bytes]]]
"""By the first part of a path: what comes after it -> content type and content; `LookupError` if there is none."""
Posts = Mapping[str, Callable[[Mapping[str, Any]], dict[str, Any]]]
"""By path: JSON -> JSON."""


class PageServer(ThreadingHTTPServer):
    """Serves what it is given. `ended` is set when a post says that this was all: `{"ended": true}`."""

    daemon_threads = True

    def __init__(self, port: int, gets: Gets, posts: Posts, nonce: str) -> None:
        """`nonce` marks the page's own scripts and styles. Raises `ConfigError` if the port is not free."""
        self.gets, self.posts, self.nonce, self.ended = gets, posts, nonce, Event()
        self.token = secrets.token_urlsafe(24)
        try:
            super().__init__((HOST, port), _Handler)
        except OSError as error:
            free = f"a port that is free ({error.strerror}); without --port, one is found"
            raise ConfigError([Problem("--port", port, free)]) from error

    @property
    def address(self) -> str:
        """Where a browser finds the page."""
        return f"http://{HOST}:{self.server_port}/{self.token}/"

    def handle_error(self, request: socket | tuple[bytes, socket], client_address: Any) -> None:
        """Nothing for a browser that has gone."""
        if not isinstance(exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    server: PageServer
    protocol_version = "HTTP/1.1"
    server_version, sys_version = "sfcmt", ""

    def do_GET(self) -> None:
        """The page, its state, or an image."""
        if (path := self._path()) is None:
            return
        first, _, rest = path.partition("/")
        try:
            kind, content = self.server.gets[first](rest)
        except LookupError:
            self._refuse(HTTPStatus.NOT_FOUND)
        except SfcmtError as error:
            self._reply({"error": str(error)}, HTTPStatus.CONFLICT)
        else:
            self._send(HTTPStatus.OK, kind, content)

    def do_POST(self) -> None:
        """What changes something."""
        if (path := self._path()) is None or (body := self._body()) is None:
            return
        if path not in self.server.posts:
            self._refuse(HTTPStatus.NOT_FOUND)
            return
        try:
            told = self.server.posts[path](body)
        except (KeyError, TypeError):
            self._refuse(HTTPStatus.BAD_REQUEST)
        except SfcmtError as error:
            failed = isinstance(error, OutageError)
            self._reply({"error": str(error)}, HTTPStatus.SERVICE_UNAVAILABLE if failed else HTTPStatus.CONFLICT)
        else:
            self._reply(told, HTTPStatus.OK)
            if told.get("ended"):
                self.server.ended.set()

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing: the token would be in it."""

    def _path(self) -> str | None:
        """The path behind the token, once it is sure that who asks may."""
        own = {f"{name}:{self.server.server_port}" for name in (HOST, "localhost")}
        if self.headers.get("Host") not in own:
            self._refuse(HTTPStatus.MISDIRECTED_REQUEST)
            return None
        origin = self.headers.get("Origin")
        if origin is not None and origin not in {f"http://{one}" for one in own}:
            self._refuse(HTTPStatus.FORBIDDEN)
            return None
        token, _, path = self.path.partition("?")[0].removeprefix("/").partition("/")
        if not compare_digest(token.encode(), self.server.token.encode()):
            self._refuse(HTTPStatus.NOT_FOUND)
            return None
        return unquote(path)

    def _body(self) -> dict[str, Any] | None:
        """The JSON object of a post."""
        length = self.headers.get("Content-Length", "")
        if self.headers.get_content_type() != "application/json" or not length.isdecimal() or int(length) > _LONGEST:
            self._refuse(HTTPStatus.BAD_REQUEST)
            return None
        try:
            body = json.loads(self.rfile.read(int(length)))
        except ValueError:
            body = None
        if not isinstance(body, dict):
            self._refuse(HTTPStatus.BAD_REQUEST)
            return None
        return body

    def _reply(self, document: Mapping[str, Any], status: HTTPStatus) -> None:
        self._send(status, "application/json", json.dumps(document).encode())

    def _refuse(self, status: HTTPStatus) -> None:
        self.close_connection = True  # there may be a body that nobody reads
        self._send(status, "text/plain; charset=utf-8", f"{status.phrase}\n".encode())

    def _send(self, status: HTTPStatus, kind: str, content: bytes) -> None:
        self.send_response(status)
        headers = {name: value.format(nonce=self.server.nonce) for name, value in _HEADERS.items()}
        headers |= {"Content-Type": kind, "Content-Length": str(len(content))}
        headers |= {"Connection": "close"} if self.close_connection else {}
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)
