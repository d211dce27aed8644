"""Writes to an object store that succeed only if nobody else has written: what excludes machines from each other.

S3, Google Cloud Storage and Azure decide by a condition in the request itself (If-None-Match, If-Match, generations).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from functools import cached_property
from importlib.util import find_spec
from os import environ
from typing import Any, NamedTuple
from urllib.parse import parse_qs, unquote, urlsplit

from sfcmt.errors import StoreOutageError

Version = dict[str, Any]
"""Which content a file had, as the store tells it."""
_RETRIES = {"max_retries": 3, "retry_timeout": timedelta(seconds=5)}


class Written(NamedTuple):
    """A file's content and its version."""

    content: bytes
    version: Version


class ConditionalPuts:
    """Files under a URI. All methods raise `StoreOutageError` where the storage cannot be reached or refuses."""

    def __init__(self, uri: str) -> None:
        self._uri = uri

    def read(self, name: str) -> Written | None:
        """A file with its version; None if it is absent."""
        import obstore

        with self._errors("be read"):
            try:
                found = obstore.get(self._files, name)
                return Written(bytes(found.bytes()), _version(found.meta))
            except FileNotFoundError:
                return None

    def create(self, name: str, content: bytes) -> Version | None:
        """Write a file that is absent; None if it is there."""
        return self._put(name, content, "create")

    def replace(self, name: str, content: bytes, version: Version) -> Version | None:
        """Write a file that still has a version; None if it has another, or is gone."""
        return self._put(name, content, version)

    def _put(self, name: str, content: bytes, mode: Any) -> Version | None:
        import obstore
        from obstore.exceptions import AlreadyExistsError, PreconditionError

        with self._errors("be written"):
            try:
                return _version(obstore.put(self._files, name, content, mode=mode))
            except (AlreadyExistsError, PreconditionError):
                return None
            except FileNotFoundError:
                if mode == "create":  # no such bucket
                    raise
                return None

    @cached_property
    def _files(self) -> Any:
        from obstore.store import from_url

        parts = urlsplit(self._uri)
        bare = parts._replace(query="", netloc=parts.netloc.rpartition("@")[2]).geturl()
        return from_url(bare, client_options={"allow_http": True}, retry_config=_RETRIES, **_options(self._uri))

    @contextmanager
    def _errors(self, what: str) -> Iterator[None]:
        from obstore.exceptions import BaseError

        try:
            yield
        except (OSError, ValueError, BaseError) as error:
            reason = " ".join(str(error).partition("Debug source:")[0].split())
            raise StoreOutageError(f"{self._uri}: the store cannot {what}: {reason}") from error


def _version(told: Any) -> Version:
    return {name: told[name] for name in ("e_tag", "version") if told[name] is not None}


def _options(uri: str) -> dict[str, Any]:
    """What a URI of pyarrow's says in its query, and where credentials are."""
    query = {name: values[-1] for name, values in parse_qs(urlsplit(uri).query).items()}
    options: dict[str, Any] = {}
    if endpoint := query.get("endpoint_override"):
        options["endpoint"] = endpoint if "://" in endpoint else f"{query.get('scheme', 'https')}://{endpoint}"
    if urlsplit(uri).scheme == "s3":
        options |= {"region": query["region"]} if "region" in query else {}
        options |= _credentials(uri)
    return options


def _credentials(uri: str) -> dict[str, Any]:
    """Those in the URI, or of a profile, of which only boto3 knows. None of them: the environment's, or a machine's."""
    parts = urlsplit(uri)
    if parts.username:
        return {"access_key_id": unquote(parts.username), "secret_access_key": unquote(parts.password or "")}
    if "AWS_ACCESS_KEY_ID" in environ or not find_spec("boto3"):
        return {}
    from boto3 import Session
    from obstore.auth.boto3 import Boto3CredentialProvider

    session = Session()
    return {"credential_provider": Boto3CredentialProvider(session)} if session.get_credentials() else {}
