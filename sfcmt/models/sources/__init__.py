"""Source models that people bring, one file a kind: `source.model` is `KIND:REFERENCE`, or a folder of ours."""

from __future__ import annotations

from sfcmt.models.source_kind import SourceKind
from sfcmt.registry import Registry

SOURCES: Registry[type[SourceKind]] = Registry("source model", "sfcmt.models.sources")
"""By what stands before the colon of `source.model`."""
