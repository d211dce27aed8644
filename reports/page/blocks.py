"""What a page is made of, before it has a format."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

from sfcmt.reports.figures.drawing import Drawing
from sfcmt.reports.tables.model import Cell, Table


@dataclass(frozen=True)
class Text:
    """A sentence."""

    kind: ClassVar[str] = "text"
    text: str


@dataclass(frozen=True)
class Facts:
    """Terms with what is to be said of them."""

    kind: ClassVar[str] = "facts"
    facts: tuple[tuple[str, Cell], ...]


@dataclass(frozen=True)
class Headline:
    """What a reader should leave with: a few numbers, large."""

    kind: ClassVar[str] = "headline"
    numbers: tuple[tuple[str, Cell], ...]


@dataclass(frozen=True)
class Chart:
    """A drawing; as a picture on white where its colours are its content."""

    kind: ClassVar[str] = "chart"
    drawing: Drawing
    is_picture: bool = False


@dataclass(frozen=True)
class Grid:
    """A table."""

    kind: ClassVar[str] = "table"
    table: Table


@dataclass(frozen=True)
class Listing:
    """Text to be copied, folded away if it is long."""

    kind: ClassVar[str] = "listing"
    title: str
    text: str
    is_folded: bool = False


Block = Text | Facts | Headline | Chart | Grid | Listing


@dataclass(frozen=True)
class Section:
    """A heading and its blocks."""

    name: str
    title: str
    blocks: list[Block] = field(default_factory=list)
    level: int = 2
    is_detail: bool = False
    """Details are for the page only."""

    @property
    def tables(self) -> list[Table]:
        """Its tables."""
        return [block.table for block in self.blocks if isinstance(block, Grid)]

    @property
    def drawings(self) -> list[Drawing]:
        """Its figures."""
        return [block.drawing for block in self.blocks if isinstance(block, Chart)]
