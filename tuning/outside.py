"""What goes wrong in the libraries that talk to servers and databases, in one line."""

from __future__ import annotations

import sys
from types import TracebackType

from sfcmt.durable import disk_problem

_LIBRARIES = {
    *("mlflow", "optuna", "sqlalchemy", "alembic", "sqlite3", "requests", "urllib3", "http", "boto3", "botocore"),
    *("s3transfer", "google", "azure", "psycopg2", "psycopg", "pymysql", "MySQLdb"),
}
_PACKAGES = {
    "psycopg2": "psycopg2-binary",
    "psycopg": "'psycopg[binary]'",
    "MySQLdb": "mysqlclient",
    "pymysql": "PyMySQL",
    "google": "google-cloud-storage",
    "azure": "azure-storage-blob azure-identity",
}
"""What to install for a module."""
_PASSING = {"INTERNAL_ERROR", "TEMPORARILY_UNAVAILABLE", "REQUEST_LIMIT_EXCEEDED"}
"""Codes of MLflow's for what may be over soon: of a server that does not answer, the first."""
_MOST = 300
"""Letters of a reason."""


def is_outside(error: Exception) -> bool:
    """Whether a library, a server or the disk has failed, rather than code of ours."""
    if isinstance(error, (OSError, ImportError)):
        return True
    return bool(_LIBRARIES & {_root(type(error).__module__), _raiser(error.__traceback__)})


def reason_of(error: Exception) -> str:
    """The first line of what is said to be wrong; of a missing driver, its package."""
    if isinstance(error, ImportError) and error.name:
        return f"{error.name} is missing: pip install {_PACKAGES.get(_root(error.name), _root(error.name))}"
    if problem := disk_problem(error):
        return ": ".join(filter(None, [getattr(error, "filename", None), problem]))
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    said = lines[0][:_MOST] if lines else type(error).__name__
    return said if _root(type(error).__module__) == "mlflow" else f"{type(error).__name__}: {said}"


def may_pass(error: Exception) -> bool:
    """Whether it is worth while to wait and try again: nobody answers, or a database is locked."""
    if code := getattr(error, "error_code", None):
        return code in _PASSING
    names = [kind.__name__ for kind in type(error).__mro__]
    return any(word in name for name in names for word in ("Connect", "Timeout", "OperationalError"))


def _root(module: str) -> str:
    return module.partition(".")[0]


def _raiser(trace: TracebackType | None) -> str | None:
    """The package of the innermost code that is not Python's own."""
    found = None
    while trace is not None:
        root = _root(trace.tb_frame.f_globals.get("__name__", ""))
        found = found if root in sys.stdlib_module_names and root not in _LIBRARIES else root
        trace = trace.tb_next
    return found
