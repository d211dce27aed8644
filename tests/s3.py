"""A real S3-compatible server of a test's own, on loopback."""

from __future__ import annotations

import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from pyarrow.fs import FileSystem

VARIABLES = {
    "AWS_ACCESS_KEY_ID": "tests",
    "AWS_SECRET_ACCESS_KEY": "tests",
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_EC2_METADATA_DISABLED": "true",
}


@contextmanager
def s3_server(port: int = 0) -> Iterator[str]:
    """The endpoint of a server that has a `bucket`; it ends with the block. Credentials are in the environment.

    A server that starts again in the same process has what the one before had.
    """
    from moto.server import ThreadedMotoServer  # takes a second

    server = ThreadedMotoServer("127.0.0.1", port, verbose=False)
    server.start()
    endpoint = "http://{}:{}".format(*server.get_host_and_port())
    try:
        with pytest.MonkeyPatch.context() as patch:
            for name, value in VARIABLES.items():
                patch.setenv(name, value)
            files, _ = FileSystem.from_uri(f"s3://bucket?endpoint_override={endpoint}&allow_bucket_creation=true")
            files.create_dir("bucket")
            yield endpoint
    finally:
        server.stop()


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    """Of a server for the tests of a module."""
    with s3_server() as endpoint:
        yield endpoint


@contextmanager
def s3_permissions(endpoint: str) -> Iterator[None]:
    """Within the block the server asks who is there, and knows nobody."""
    _ask_for_keys_after(endpoint, "0")
    try:
        yield
    finally:
        _ask_for_keys_after(endpoint, "inf")


def _ask_for_keys_after(endpoint: str, requests: str) -> None:
    form = {"Content-Type": "text/plain"}
    urllib.request.urlopen(urllib.request.Request(f"{endpoint}/moto-api/reset-auth", requests.encode(), form)).close()
