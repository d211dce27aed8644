"""Settings of this process that make runs unsafe, and what a submission from here would take along."""

from __future__ import annotations

import json
import os
from pathlib import Path
from urllib.request import urlopen

from sfcmt.clusters.checks.finding import Finding, judged
from sfcmt.clusters.connection import ClusterError, has_token
from sfcmt.clusters.packing import mebibytes, packed_files, size_problem

_SECONDS = 5.0
_TOKEN_REMEDY = "ray get-auth-token --generate, copy ~/.ray/auth_token to all nodes, start Ray with RAY_AUTH_MODE=token"  # noqa: S105


def token_finding(where: str = "here") -> Finding:
    """Whether Ray asks for, and sends, a token."""
    if os.environ.get("RAY_AUTH_MODE", "token").lower() != "token":
        problem = f"RAY_AUTH_MODE is {os.environ['RAY_AUTH_MODE']}"
    else:
        problem = "" if has_token() else "there is none, and Ray started here lets everybody in"
    return judged(where, "token", problem, _TOKEN_REMEDY, "there is one")


def pickle_finding(where: str = "here") -> Finding:
    """Whether MLflow loads models that may run any code."""
    is_allowed = os.environ.get("MLFLOW_ALLOW_PICKLE_DESERIALIZATION", "false").lower() in ("true", "1")
    problem = "MLFLOW_ALLOW_PICKLE_DESERIALIZATION is true: a model from elsewhere may run any code"
    return judged(where, "pickles", problem if is_allowed else None, "unset it; sfcmt writes no pickles", "refused")


def dashboard_finding(address: str, expected: bool, where: str = "cluster") -> Finding:
    """Whether the dashboard at `address` asks for a token. It is `expected` to answer, or need not."""
    try:
        with urlopen(f"{address}/api/authentication_mode", timeout=_SECONDS) as answer:  # noqa: S310
            mode = str(json.load(answer)["authentication_mode"])
    except (OSError, ValueError, KeyError) as error:
        problem = f"{address}: is no dashboard of Ray's, or does not answer: {error}" if expected else None
        return judged(where, "dashboard", problem, "give --address http://HEAD:8265", f"none at {address}")
    problem = None if mode == "token" else f"{address}: lets everybody who reaches it run code (no token asked for)"
    return judged(where, "dashboard", problem, _TOKEN_REMEDY, f"{address}: asks for a token")


def packing_finding(folder: Path) -> Finding:
    """Whether the working directory is small enough to be submitted."""
    remedy = "name what jobs do not need in .rayignore"
    try:
        sizes = packed_files(folder)
    except (ClusterError, OSError) as error:
        return judged("here", "submission", str(error), remedy)
    said = f"{len(sizes)} files of {mebibytes(sum(sizes.values()))}"
    return judged("here", "submission", size_problem(folder, sizes), remedy, said)
