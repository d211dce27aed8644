"""One figure in three formats, with the same bytes each time.

In the page's SVG the ink colours below become the page's own (light or dark), and each marked part has its evidence as
a `<title>`, which browsers show when one points at it.
"""

from __future__ import annotations

import io
import re
from dataclasses import dataclass, field
from typing import Any
from xml.etree import ElementTree

import matplotlib as mpl
from matplotlib.artist import Artist
from matplotlib.figure import Figure

PAPER, INK, FAINT, ACCENT, SECOND, WARN = "#ffffff", "#1c2128", "#8a929c", "#1f6feb", "#bf5b17", "#b42318"
_VARIABLES = {
    PAPER: "--paper",
    INK: "--ink",
    FAINT: "--faint",
    ACCENT: "--accent",
    SECOND: "--second",
    WARN: "--warn",
}
_WIDTH = 5.0
STYLE: Any = {
    "axes.edgecolor": FAINT,
    "axes.labelcolor": INK,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlesize": 9,
    "font.size": 9.5,
    "legend.frameon": False,
    "pdf.fonttype": 42,
    "svg.fonttype": "none",
    "svg.hashsalt": "sfcmt",
    "text.color": INK,
    "xtick.color": INK,
    "ytick.color": INK,
}
_SVG = "http://www.w3.org/2000/svg"


@dataclass
class Drawing:
    """A figure with its name, what it shows, and the evidence of its parts."""

    name: str
    caption: str
    figure: Figure
    tips: list[str] = field(default_factory=list)

    @property
    def is_wide(self) -> bool:
        """Whether it needs all of a page's width."""
        return bool(self.figure.get_figwidth() > 2 * _WIDTH)

    def mark(self, artist: Artist, tip: str) -> None:
        """Show a text when one points at a part of the figure."""
        artist.set_gid(f"tip-{len(self.tips)}")
        self.tips.append(tip)

    def png(self) -> bytes:
        """For pages and slides."""
        return self._saved("png", dpi=200, metadata={"Software": None})

    def pdf(self) -> bytes:
        """For papers."""
        return self._saved("pdf", metadata={"Creator": None, "Producer": None, "CreationDate": None})

    def svg(self) -> str:
        """For the page: no names that clash with another figure's, and no colours of its own."""
        raw = self._saved(
            "svg", transparent=True, metadata={"Date": None, "Creator": None, "Format": None, "Type": None}
        )
        root = ElementTree.fromstring(raw)  # noqa: S314 - written by matplotlib a moment ago
        for metadata in root.findall(f"{{{_SVG}}}metadata"):
            root.remove(metadata)
        for part in root.iter():
            if re.fullmatch(r"tip-\d+", name := part.get("id", "")):
                title = ElementTree.Element(f"{{{_SVG}}}title")
                title.text = self.tips[int(name.removeprefix("tip-"))]
                part.insert(0, title)
                part.set("class", "tip")
        root.attrib |= {"role": "img", "aria-label": self.caption, "class": "figure"}
        for size in ("width", "height"):
            del root.attrib[size]
        ElementTree.register_namespace("", _SVG)
        ElementTree.register_namespace("xlink", "http://www.w3.org/1999/xlink")
        return self._themed(ElementTree.tostring(root, encoding="unicode"))

    def _themed(self, text: str) -> str:
        own = re.sub(r'(\bid="|href="#|url\(#)', rf"\g<1>{self.name}-", text)
        for colour, variable in _VARIABLES.items():
            own = own.replace(colour, f"var({variable})")
        return own

    def _saved(self, kind: str, **options: Any) -> bytes:
        file = io.BytesIO()
        with mpl.rc_context(STYLE):
            if self.figure.get_layout_engine():  # laid out once: each time moves things a little
                self.figure.draw_without_rendering()
                self.figure.set_layout_engine("none")
            self.figure.savefig(file, format=kind, **options)
        return file.getvalue()


def new_drawing(name: str, caption: str, height: float) -> Drawing:
    """An empty figure of that height in inches. Draw inside `matplotlib.rc_context(STYLE)`."""
    return Drawing(name, caption, Figure(figsize=(_WIDTH, height), layout="constrained"))
