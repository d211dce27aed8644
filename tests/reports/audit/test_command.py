"""The command `sfcmt audit`: killed while labels come in, and gone on with; ended by Ctrl-C; by table."""

from __future__ import annotations

import json
import re
import signal
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from sfcmt.cli import main
from sfcmt.tuning.search.study import Study
from tests.command import Command, run
from tests.reports.audit.audits import audit, picked, truth

pytestmark = pytest.mark.slow


@pytest.fixture
def study(tiny_data: Path, tmp_path: Path) -> Study:
    return picked(tiny_data, tmp_path / "store")


def address_of(process: Command) -> str:
    """Where the page is, once the command has said so."""
    while line := process.stdout.readline():
        if found := re.search(r"http://127\.0\.0\.1:\d+/[\w-]+/", line):
            return found[0]
    pytest.fail(process.communicate()[1])


def get(address: str) -> Any:
    with urllib.request.urlopen(address) as answer:
        return json.loads(answer.read())


def post(address: str, body: dict[str, Any]) -> Any:
    return get(urllib.request.Request(address, json.dumps(body).encode(), {"Content-Type": "application/json"}))  # type: ignore[arg-type]


def test_killed_in_the_middle_it_goes_on(study: Study, tiny_data: Path) -> None:
    true, command = truth(tiny_data), ("-m", "sfcmt", "audit", str(study.folder), "--labels", "12", "--serve")
    with Command(*command) as process:
        address = address_of(process)
        state = get(f"{address}state")
        for _ in range(5):
            id_ = state["images"][0]
            state = post(f"{address}answer", {"id": id_, "label": true[id_]})
        second = run(*command)
        assert (second.returncode, second.stderr.count("\n")) == (2, 1)
        assert "another process is labelling; end it first" in second.stderr
        process.kill()
    with Command(*command) as process:
        address = address_of(process)
        state = get(f"{address}state")
        assert state["answered"] == 5
        process.send_signal(signal.SIGINT)
        out, error = process.communicate()
    assert (process.returncode, error) == (0, "")
    assert "Ended with 7 images left, and all labels kept; the same command goes on." in out
    with Command(*command) as process:
        address = address_of(process)
        while state["images"]:
            id_ = state["images"][0]
            state = post(f"{address}answer", {"id": id_, "label": true[id_]})
        told = post(f"{address}seal", {})
        out, _ = process.communicate()
    assert process.returncode == 0
    session = audit(study)
    assert session.record.labels == {id_: true[id_] for id_ in session.record.ids}
    assert ["Labels", f"12 of 12, sealed as {session.record.seal_digest}"] in told["result"]
    assert all(f"{term}: {text}" in out for term, text in told["result"])


def told(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, list[str]]:
    """Run the command in this process: its exit code, and what it has said."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sys.argv", ["sfcmt", "audit", *arguments])
        with pytest.raises(SystemExit) as ended:
            main()
    out, error = capsys.readouterr()
    return int(ended.value.code or 0), out, error.splitlines()


def test_by_table(study: Study, tiny_data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    true, place, folder = truth(tiny_data), str(study.folder), tmp_path / "outside"
    told(capsys, place, "--labels", "6", "--export", str(folder))
    table = folder / "labels.csv"
    ids = [line.partition(",")[0] for line in table.read_text().splitlines()[1:]]
    assert {path.stem for path in folder.glob("*.png")} == {*ids}
    table.write_text("\n".join(["id,label", *(f"{id_},{true[id_]}" for id_ in ids[:4]), f"{ids[4]},?", f"{ids[5]},"]))
    _, out, _ = told(capsys, place, "--csv", str(table))
    assert f"{table}: 5 labels, of which 5 are new; 1 are left" in out
    table.write_text(f"id,label\n{ids[5]},{true[ids[5]]}\n{ids[0]},nonsense\n")
    code, _, errors = told(capsys, place, "--csv", str(table))
    assert (code, len(errors)) == (2, 1)
    table.write_text(f"id,label\n{ids[5]},{true[ids[5]]}\n")
    _, out, _ = told(capsys, place, "--csv", str(table), "--json")
    document = json.loads(out.splitlines()[-1])
    assert (document["answered"], document["sealed"]) == (6, True)
    assert "cannot tell: 17% of the images" in out
