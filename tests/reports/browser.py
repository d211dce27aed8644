"""Looking at a page in headless Chromium, where there is one."""

from __future__ import annotations

import html
import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any, Literal

import pytest

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
_OPTIONS = ["--headless", "--no-sandbox", "--disable-gpu", "--enable-logging=stderr", "--virtual-time-budget=10000"]
_SCHEMES = {"dark": 0, "light": 1}
_FRAME = """<!doctype html><meta charset="utf-8"><body><pre id="seen"></pre>
<script>
const seen = {};
const frames = {};
function look(width) {
  const view = frames[width].contentWindow, page = view.document.documentElement;
  const cell = view.document.querySelector("td .number[tabindex]");
  cell.focus();
  cell.dispatchEvent(new view.PointerEvent("pointerenter"));
  const tip = view.document.getElementById("tip"), box = tip.getBoundingClientRect();
  const heading = view.document.querySelector("#SORTED thead th:nth-child(NTH)");
  heading.querySelector("button").click();
  seen[width] = {
    scroll: page.scrollWidth, client: page.clientWidth, tip: tip.hidden ? null : tip.textContent,
    tipFits: box.left >= 0 && box.right <= page.clientWidth,
    paper: view.getComputedStyle(view.document.body).backgroundColor,
    ink: view.getComputedStyle(view.document.querySelector("svg.figure text")).fill,
    sorted: [...heading.closest("table").tBodies[0].rows].map((row) => row.cells[NTH - 1].textContent.trim()),
  };
  document.getElementById("seen").textContent = JSON.stringify(seen);
}
</script>
%s
"""


def look(page: bytes, folder: Path, scheme: Literal["light", "dark"], table: str, nth: int) -> tuple[Any, list[str]]:
    """What is seen at 1280 and 400 pixels, after a click on the n-th heading of a table; and what the console says."""
    chromium = next(filter(None, map(shutil.which, NAMES)), None)
    if chromium is None:
        pytest.skip(f"no browser: none of {', '.join(NAMES)} is installed")
    source = html.escape(page.decode(), quote=True)
    frames = "\n".join(
        f'<iframe style="width:{width}px;height:900px;border:0" onload="frames[{width}] = this; look({width})" '
        f'srcdoc="{source}"></iframe>'
        for width in (1280, 400)
    )
    frame = folder / f"{scheme}.html"
    frame.write_text(_FRAME.replace("#SORTED", f"#tab-{table}").replace("NTH", str(nth)) % frames)
    scheme_option = f"--blink-settings=preferredColorScheme={_SCHEMES[scheme]}"
    offline = ["--host-resolver-rules=MAP * ~NOTFOUND", f"--user-data-dir={folder / 'profile'}"]
    command = [chromium, *_OPTIONS, scheme_option, *offline, "--dump-dom", frame.as_uri()]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120)
    found = re.search(r'<pre id="seen">(.*?)</pre>', done.stdout, re.DOTALL)
    assert found is not None
    console = [line for line in done.stderr.splitlines() if "CONSOLE" in line]
    return json.loads(html.unescape(found[1])), console
