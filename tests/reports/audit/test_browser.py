"""The labelling page in a real browser, by its keys."""

from __future__ import annotations

from pathlib import Path
from threading import Thread

import pytest

from sfcmt.reports.audit.page import LabellingPage
from sfcmt.reports.audit.server import PageServer
from tests.reports.audit.audits import audit, picked, truth
from tests.reports.chromium import Tab, chromium

pytestmark = pytest.mark.slow
READY = "state && !busy && (!at('complete').hidden || !at('image').classList.contains('loading'))"


def press(tab: Tab, key: str, answered: int) -> None:
    tab.press(key)
    tab.wait_for(f"{READY} && state.answered === {answered}")


def test_an_audit_by_keys(tiny_data: Path, tmp_path: Path) -> None:
    session = audit(picked(tiny_data, tmp_path / "store"), labels=6)
    ids, classes, true = session.record.ids, session.record.classes, truth(tiny_data)
    page = LabellingPage(session)
    server = PageServer(0, page.gets, page.posts, page.nonce)
    Thread(target=server.serve_forever, daemon=True).start()
    with chromium(tmp_path / "profile") as tab:
        tab.open(server.address, width=400)
        tab.wait_for(READY)
        assert tab.run("document.documentElement.scrollWidth") <= 400
        assert tab.run("at('image').naturalWidth") == 256  # of 32
        tab.press("v")
        tab.wait_for(f"{READY} && at('image').src.includes('/grey/')")
        press(tab, "2", 1)
        press(tab, "u", 0)
        assert tab.run("state.images[0]") == ids[0]
        tab.press("s")
        tab.wait_for(f"{READY} && state.skipped === 1")
        press(tab, "?", 1)
        tab.press("x")  # no class has it
        for count, id_ in enumerate([*ids[2:], ids[0]], 2):
            assert tab.run("at('caption').textContent") == id_
            press(tab, str(classes.index(true[id_]) + 1), count)
        assert session.record.labels == {id_: true[id_] for id_ in ids} | {ids[1]: None}
        assert session.record.result is None
        tab.press("Enter")
        tab.wait_for("!at('result').hidden")
        assert str(session.record.seal_digest) in tab.run("at('facts').innerText")
        assert tab.console == []
    assert server.ended.is_set()
    server.shutdown()
    server.server_close()
