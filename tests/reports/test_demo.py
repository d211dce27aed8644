"""The demo, as a user runs it: all of it, and again."""

from __future__ import annotations

import os
import re
from pathlib import Path
from subprocess import STDOUT

import pytest

from sfcmt.testing.tiny import SIZE
from tests.command import Command
from tests.database import new_database

pytestmark = pytest.mark.slow
EPOCHS = ("source.epochs=1", "transfer.epochs=1", "baselines.ti_distillation.epochs=1")


def demo(folder: Path, data: Path, uri: str) -> list[str]:
    """The lines of a demo on other images, with a Ray of its own."""
    arguments = ("-m", "sfcmt", "demo", f"data={data}", f"data.size={SIZE}", *EPOCHS)
    environment = os.environ | {"MLFLOW_TRACKING_URI": uri, "RAY_ADDRESS": ""}
    with Command(*arguments, cwd=folder, env=environment, stderr=STDOUT) as process:
        out, _ = process.communicate()
    assert process.wait() == 0, out
    assert "Traceback" not in out
    return out.splitlines()


def test_it_tells_a_transfer_a_search_and_a_registered_model(tiny_data: Path, tmp_path: Path) -> None:
    uri = new_database(tmp_path)
    lines = demo(tmp_path, tiny_data, uri)
    text = "\n".join(lines)
    steps = [line[:2] for line in lines if re.match(r"\d\. ", line)]
    assert steps == ["1.", "2.", "3.", "4.", "5."]
    assert len([line for line in lines if " so far" not in line]) <= 60
    assert not [line for line in lines if "oracle_supervised" in line]
    assert re.search(r"It is right on \d+% of held-out RGB images, and on \d+% of depth images\.", text)
    assert re.search(r"\$ sfcmt compare demo data=.* source.model=sfcmt-store/stages/source-\w+ --methods", text)
    assert len(re.findall(r"depth-\d\.png: (across|down|centre) \(\d+%\)", text)) == 3
    named = [Path(word) for word in text.split() if word.endswith(("report.html", "journal.log"))]
    assert len(named) == 2
    assert all((tmp_path / path).is_file() for path in named)
    assert uri in text

    again = demo(tmp_path, tiny_data, uri)
    assert any(re.fullmatch(r"Trained nothing: all \d+ stages were found in .*", line) for line in again)
    assert not [line for line in again if ": done in" in line]
    assert [line for line in again if "depth-" in line] == [line for line in lines if "depth-" in line]
