"""A table before it has a format: every number is a cell with its evidence."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from sfcmt.reports.sources.evidence import MISSING, Evidence

Tone = Literal["", "clear", "quiet"]
DAGGER = "\N{DAGGER}"
"""Marks the columns of oracles where there is little room."""


@dataclass(frozen=True)
class Cell:
    """Plain text; a number has its evidence, and a cell without a number a hint, if there is more to say."""

    text: str
    evidence: Evidence | None = None
    tone: Tone = ""
    """`clear`: a difference that the study's own test or rule confirms."""
    hint: str = ""

    @property
    def tip(self) -> str:
        """What is shown when one points at it."""
        return "\n".join(filter(None, [self.hint, str(self.evidence or "")]))


@dataclass(frozen=True)
class Column:
    """One column."""

    title: str
    is_number: bool = True
    is_oracle: bool = False
    """Whether it has read target labels."""

    @property
    def marked(self) -> str:
        """The title, with a dagger for an oracle."""
        return f"{self.title}{DAGGER}" if self.is_oracle else self.title


@dataclass(frozen=True)
class Table:
    """A titled table with what is to be said under it."""

    name: str
    """Of its label and anchor."""
    title: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]
    notes: tuple[str, ...]
    is_long: bool = False
    """Long tables are for the page only."""


def missing(why: str) -> Cell:
    """What is not there is shown as not there."""
    return Cell(MISSING, tone="quiet", hint=why)


def label(text: str, hint: str = "") -> Cell:
    """A name."""
    return Cell(text, hint=hint)
