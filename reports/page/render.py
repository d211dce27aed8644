"""From sections to one HTML file."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from sfcmt.reports.figures.drawing import Drawing
from sfcmt.reports.page.blocks import Section

_HERE = Path(__file__).parent


def page(title: str, lead: str, sections: Sequence[Section]) -> str:
    """Everything inline: style, script, figures. Text is escaped."""
    environment = Environment(
        loader=FileSystemLoader(_HERE), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters |= {"svg": _svg, "data_uri": _data_uri}
    inline = {name: Markup((_HERE / f"page.{name}").read_text(encoding="utf-8")) for name in ("css", "js")}  # noqa: S704 - our own files
    return environment.get_template("page.html.j2").render(title=title, lead=lead, sections=sections, **inline)


def _svg(drawing: Drawing) -> Markup:
    return Markup(drawing.svg())  # noqa: S704 - its texts were escaped when it was written


def _data_uri(drawing: Drawing) -> str:
    return "data:image/png;base64," + base64.b64encode(drawing.png()).decode()
