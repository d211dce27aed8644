"""What is said under every table."""

from __future__ import annotations

from collections.abc import Sequence

from sfcmt.reports.sources.evidence import NONE, Provenance
from sfcmt.reports.tables.model import DAGGER

ORACLE_NOTE = f"{DAGGER} Oracle: has read target labels; it judges, and nothing was chosen by it"


def notes_of(provenance: Provenance, own: Sequence[str], has_oracle: bool) -> tuple[str, ...]:
    """Its own notes, the oracle's warning, and where the numbers come from."""
    warning = [ORACLE_NOTE] if has_oracle else []
    origin = f"Selection: {provenance.selection}; commit: {provenance.commit}; data: {provenance.data}"
    differs = [] if provenance.differs == NONE else [f"Its runs differ in {provenance.differs}"]
    return tuple(f"{note}." for note in (*own, *warning, *differs, origin))
