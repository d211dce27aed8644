"""Identities: digests of all that can change a result, and of nothing else."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from pydantic import BaseModel


class _NotIdentity:
    """Marks, as `Annotated[T, NOT_IDENTITY]`, a config field that cannot change a result."""


NOT_IDENTITY = _NotIdentity()


def result_fields(config: BaseModel) -> dict[str, Any]:
    """The fields of a config that can change a result, as JSON values, nested configs included."""
    values = config.model_dump(mode="json", serialize_as_any=True)
    for name, field in type(config).model_fields.items():
        if NOT_IDENTITY in field.metadata:
            del values[name]
        elif isinstance(nested := getattr(config, name), BaseModel):
            values[name] = result_fields(nested)
    return values


def digest(document: object) -> str:
    """20 hexadecimal digits that name a JSON document."""
    text = json.dumps(document, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()[:20]
