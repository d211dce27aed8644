"""The labelling page: what its server gives out, and what it takes."""

from __future__ import annotations

import json
import secrets
import webbrowser
from collections.abc import Callable
from pathlib import Path
from threading import Thread
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from sfcmt.reports.audit.drawn_images import DrawnImages
from sfcmt.reports.audit.labelling import Labelling, keys_of
from sfcmt.reports.audit.pictures import View
from sfcmt.reports.audit.server import PageServer
from sfcmt.reports.audit.session import Session

_HERE = Path(__file__).parent
_SHARED = _HERE.parent / "page" / "page.css"


def serve(session: Session, port: int, opens: bool, say: Callable[[str], None]) -> bool:
    """Have the images labelled on a page; whether it was sealed, rather than left by Ctrl-C for later.

    Raises `AuditError` while another process labels, `ConfigError` if the port is not free.
    """
    with session.record.labelling():
        page = LabellingPage(session)
        server = PageServer(port, page.gets, page.posts, page.nonce)
        Thread(target=server.serve_forever, daemon=True).start()
        say(f"Label at {server.address}\nCtrl-C ends; the same command goes on.")
        if opens:
            webbrowser.open(server.address)
        try:
            server.ended.wait()
        except KeyboardInterrupt:
            return False
        finally:
            server.shutdown()
            server.server_close()
        return True


class LabellingPage:
    """The handlers of a `PageServer`."""

    def __init__(self, session: Session) -> None:
        self._session, self._labelling, self._images = session, Labelling(session), DrawnImages(session)
        self.nonce = secrets.token_urlsafe(16)
        self.gets = {"": self._page, "state": self._state, "image": self._image}
        self.posts = {
            "answer": lambda body: self._labelling.answer(_text(body["id"]), body["label"] and _text(body["label"])),
            "skip": lambda body: self._labelling.skip(_text(body["id"])),
            "undo": lambda _: self._labelling.undo(),
            "seal": lambda _: {"ended": True, "result": self._labelling.seal()},
        }

    def _page(self, rest: str) -> tuple[str, bytes]:
        if rest:
            raise LookupError(rest)
        environment = Environment(
            loader=FileSystemLoader(_HERE), autoescape=True, undefined=StrictUndefined, trim_blocks=True
        )
        classes, target = self._session.record.classes, self._session.audited.dataset.manifest.target
        keys = keys_of(len(classes))
        styles = (path.read_text(encoding="utf-8") for path in (_SHARED, _HERE / "page.css"))
        script = (_HERE / "page.js").read_text(encoding="utf-8")
        page = environment.get_template("page.html.j2").render(
            nonce=self.nonce,
            models=[model.name for model in self._session.audited.models],
            modality=target.name,
            images=len(self._session.record.ids),
            views=[*View] if target.channels == 1 else [View.COLOURS],
            classes=list(zip(classes, keys, strict=True)),
            length=len(keys[0]),
            css=Markup("\n".join(styles)),  # noqa: S704 - our own files
            js=Markup(script),  # noqa: S704 - our own file
        )
        return "text/html; charset=utf-8", page.encode()

    def _state(self, rest: str) -> tuple[str, bytes]:
        return "application/json", json.dumps(self._labelling.state).encode()

    def _image(self, rest: str) -> tuple[str, bytes]:
        view, _, id_ = rest.partition("/")
        if view not in [*View]:
            raise LookupError(view)
        return "image/png", self._images.picture(id_, View(view))


def _text(value: Any) -> str:
    """Raises `TypeError`: who posts anything else is not the page."""
    if not isinstance(value, str):
        raise TypeError(value)
    return value
