"""A table with everything in it that formats stumble over."""

from __future__ import annotations

from sfcmt.reports.sources.evidence import Provenance
from sfcmt.reports.tables.model import Cell, Column, Table, label, missing

NASTY = r"50% & more_of $this$ #1 {a} \b ~c ^d <e> |f| *g* [h] `i`"
_EVIDENCE = Provenance("none", "missing", "tiny 01ab").evidence(5, (0, 1, 2, 3, 4))

TABLE = Table(
    "nasty-one",
    f"About {NASTY}",
    (Column("arm", is_number=False), Column("mean [95 %]", is_oracle=True), Column("a_b", is_oracle=False)),
    (
        (
            label("[bracket] first"),
            Cell("\N{MINUS SIGN}2.0 [\N{MINUS SIGN}3.0, +1.0]", _EVIDENCE, "clear"),
            missing("none"),
        ),
        (label(NASTY), Cell("<0.001", _EVIDENCE), Cell("0\N{EN DASH}4", _EVIDENCE)),
        (label("a \N{MULTIPLICATION SIGN} b"), Cell("1.0", _EVIDENCE), Cell("2.0", _EVIDENCE)),
    ),
    ("Test: none.", f"\N{DAGGER} Oracle {NASTY}."),
)
