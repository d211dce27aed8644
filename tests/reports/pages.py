"""Reading a page: its tables with what each cell tells, its ids, and all that it would load."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser

VOID = {"meta", "link", "img", "br", "input", "hr"}


@dataclass
class ReadCell:
    """A cell of a table's body."""

    is_number: bool
    text: str = ""
    tip: str = ""


@dataclass
class ReadTable:
    """A table by its figure's id."""

    name: str
    headings: list[str] = field(default_factory=list)
    rows: list[list[ReadCell]] = field(default_factory=list)


class Page(HTMLParser):
    """A page that has been read."""

    def __init__(self, html: bytes) -> None:
        super().__init__()
        self.tables: list[ReadTable] = []
        self.ids: list[str] = []
        self.addresses: list[str] = []
        self.text = ""
        self._open: list[tuple[str, dict[str, str]]] = []
        self.feed(html.decode())
        self.close()
        assert not self._open, f"never closed: {self._open}"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        self.ids += [given["id"]] if "id" in given else []
        self.addresses += [given[name] for name in ("href", "src", "xlink:href", "action", "srcset") if name in given]
        if tag == "figure" and given.get("class") == "table":
            self.tables.append(ReadTable(given["id"]))
        if tag == "tr" and self._is_inside("tbody"):
            self.tables[-1].rows.append([])
        if tag == "td":
            self.tables[-1].rows[-1].append(ReadCell(given["class"] == "number"))
        if tag == "span" and self._is_inside("td"):
            self.tables[-1].rows[-1][-1].tip = given.get("title", "")
        if tag not in VOID:
            self._open.append((tag, given))

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID:
            opened, _ = self._open.pop()
            assert opened == tag, f"{opened} is closed by {tag}"

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.handle_endtag(tag)

    def handle_data(self, data: str) -> None:
        if self._is_inside("td"):
            self.tables[-1].rows[-1][-1].text += data.strip()
        elif self._is_inside("th"):
            name = self.tables[-1].headings
            if self._open[-1][0] == "button":
                name.append(data)
        if not self._is_inside("style") and not self._is_inside("script"):
            self.text += data

    def table(self, name: str) -> dict[str, dict[str, ReadCell]]:
        """A table's cells by the text of their row's first cell and their heading."""
        found = next(table for table in self.tables if table.name == f"tab-{name}")
        return {row[0].text: dict(zip(found.headings, row, strict=True)) for row in found.rows}

    def _is_inside(self, tag: str) -> bool:
        return any(name == tag for name, _ in self._open)
