"""The page in a real browser: light and dark, wide and narrow."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import pytest

from tests.reports.browser import look
from tests.reports.conftest import Files

pytestmark = pytest.mark.slow

PAPER = {"light": "rgb(255, 255, 255)", "dark": "rgb(20, 23, 28)"}
INK = {"light": "rgb(28, 33, 40)", "dark": "rgb(228, 232, 238)"}


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_in_chromium(all_reports: Files, tmp_path: Path, scheme: Literal["light", "dark"]) -> None:
    seen, console = look(all_reports["report.html"], tmp_path, scheme, "mine-trials", 3)
    assert console == []
    assert set(seen) == {"1280", "400"}
    for width, found in seen.items():
        assert_looks_right(found, int(width), scheme)


def assert_looks_right(found: dict[str, Any], width: int, scheme: str) -> None:
    assert found["scroll"] <= found["client"] <= width
    assert "\ncommit: " in found["tip"]
    assert found["tipFits"]
    assert found["paper"] == PAPER[scheme]
    assert found["ink"] == INK[scheme]
    numbers = [float(text) for text in found["sorted"] if text != "missing"]
    assert len(numbers) == 12
    assert numbers == sorted(numbers)
    assert found["sorted"][-1] == "missing"
