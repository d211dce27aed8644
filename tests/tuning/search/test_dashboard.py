"""optuna-dashboard, as users start it on a study's journal."""

from __future__ import annotations

import json
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from sfcmt.tuning.search.study_storage import JOURNAL
from tests.server import free_port
from tests.tuning.search.test_optuna_study import ASHA, ask, open_study

pytestmark = pytest.mark.slow


def test_opens_a_study_as_it_is(tmp_path: Path) -> None:
    study = open_study(tmp_path / "study", None, scheduler=ASHA)
    for number in range(3):
        assert ask(study)[0] == number
    study.report(0, 1, 0.5)
    study.prune(0)
    study.fail(1, "diverged")
    study.complete(2, [0.75])
    port = free_port()
    command = [str(Path(sys.executable).with_name("optuna-dashboard")), str(tmp_path / "study" / JOURNAL)]
    process = subprocess.Popen([*command, "--port", str(port)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        (found,) = answer(f"http://127.0.0.1:{port}/api/studies")["study_summaries"]
        assert found["study_name"] == "study"
        trials = answer(f"http://127.0.0.1:{port}/api/studies/{found['study_id']}")["trials"]
    finally:
        process.terminate()
        process.wait()
    assert [trial["state"] for trial in trials] == ["Pruned", "Fail", "Complete"]
    assert trials[2]["values"] == [0.75]
    assert [point["value"] for point in trials[0]["intermediate_values"]] == [0.5]


def answer(address: str) -> dict[str, Any]:
    """What the server says, once it is there."""
    for _ in range(60):
        try:
            with urllib.request.urlopen(address) as found:
                return dict(json.loads(found.read()))
        except OSError:
            time.sleep(0.5)
    pytest.fail(f"{address} does not answer")
