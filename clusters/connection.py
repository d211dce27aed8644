"""The door to a cluster's job server: its address, its token, and what goes wrong there in one line."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPException
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.error import HTTPError
from urllib.request import urlopen

from sfcmt.errors import SfcmtError

if TYPE_CHECKING:
    from ray.job_submission import JobSubmissionClient

DEFAULT_ADDRESS = "http://127.0.0.1:8265"
ADDRESS_VARIABLES = ["RAY_API_SERVER_ADDRESS", "RAY_ADDRESS"]
TO_AUTHENTICATE = (
    "put the cluster's token (on its head: ray get-auth-token) into RAY_AUTH_TOKEN, a file that RAY_AUTH_TOKEN_PATH "
    "names, or ~/.ray/auth_token, with RAY_AUTH_MODE=token or unset"
)

_HINT = "give the dashboard's address, such as http://HEAD:8265, by --address or RAY_ADDRESS"
_SECONDS, _LONG_SECONDS = 5.0, 120.0
"""For a first sign of life, and for an answer to a request, which may be an upload."""
_CHATTY = ("ray", "ray.dashboard.modules.dashboard_sdk", "ray.dashboard.modules.job.sdk")
"""Loggers that tell of each upload; the last two have levels of their own."""


class ClusterError(SfcmtError):
    """A cluster cannot be reached, refuses us, or a job cannot be what was asked for."""


def connect(address: str) -> JobSubmissionClient:
    """A client of the job server at `address`. Raises `ClusterError`.

    `address` is the dashboard's (http://HEAD:8265), or what `ray.init` takes.
    """
    os.environ[ADDRESS_VARIABLES[0]] = address  # Ray lets the environment win over its argument
    use_token()
    from ray.job_submission import JobSubmissionClient

    class Client(JobSubmissionClient):  # type: ignore[misc]
        """Ray's, which by itself waits for an answer for ever."""

        def _do_request(self, *arguments: Any, **named: Any) -> Any:
            return super()._do_request(*arguments, **({"timeout": _LONG_SECONDS} | named))

    for name in _CHATTY:  # not their handlers, which others may have put there
        logging.getLogger(name).setLevel(logging.ERROR)
    require_answer(address)
    with plain_errors(address):
        return Client(address)


def require_answer(address: str) -> None:
    """Raise `ClusterError` unless something answers soon at an HTTP address; others are left to Ray."""
    if not address.startswith(("http://", "https://")):
        return
    try:
        with urlopen(f"{address.rstrip('/')}/api/version", timeout=_SECONDS):  # noqa: S310
            pass
    except HTTPError:
        pass  # an answer, too: that it wants a token
    except (OSError, ValueError, HTTPException) as error:
        raise ClusterError(f"{address}: cannot be reached within {_SECONDS:g} s ({error}); {_HINT}") from error


def use_token() -> None:
    """Have Ray use the token if there is one, as it does by itself only for clusters that it starts.

    Call it before Ray is imported.
    """
    if has_token():
        os.environ.setdefault("RAY_AUTH_MODE", "token")


def has_token() -> bool:
    """Whether there is a token where Ray looks for it."""
    named = any(os.environ.get(name) for name in ("RAY_AUTH_TOKEN", "RAY_AUTH_TOKEN_PATH"))
    return named or (Path.home() / ".ray" / "auth_token").is_file()


@contextmanager
def plain_errors(address: str) -> Iterator[None]:
    """Turns what Ray raises while it talks to a cluster into a `ClusterError` of one line."""
    from aiohttp import ClientError
    from ray.exceptions import AuthenticationError, RayError

    try:
        yield
    except AuthenticationError as error:
        what = "refuses the token" if "Forbidden" in str(error) else "asks for a token, and none was sent"
        raise ClusterError(f"{address}: {what}; {TO_AUTHENTICATE}") from error
    except (OSError, ClientError, RayError) as error:
        reason = next(iter(str(error).splitlines()), type(error).__name__)
        raise ClusterError(f"{address}: cannot be reached ({reason}); {_HINT}") from error
    except (RuntimeError, ValueError) as error:
        reason = next((line for line in reversed(str(error).splitlines()) if line.strip(" .")), type(error).__name__)
        raise ClusterError(f"{address}: {reason}; dashboard.log on its head says more") from error
