"""The format of the JSON files that a store keeps: a newer release reads what an older one has written."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sfcmt.errors import StoreError

FORMAT = "format"
"""The field that holds the number."""
NOW = 2
"""2: a transfer's logits and features are files of their own."""


def refuse_newer(document: Mapping[str, Any], path: Path) -> None:
    """Raise `StoreError` if a file was written by a release whose format this one does not know."""
    if document.get(FORMAT, NOW) > NOW:
        raise StoreError(
            f"{path}: of format {document[FORMAT]}; this release of sfcmt reads up to {NOW}; install a newer one"
        )
