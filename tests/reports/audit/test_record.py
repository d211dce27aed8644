"""The record of an audit: what a kill leaves of it, and what is not its own."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from sfcmt.errors import StoreError
from sfcmt.reports.audit.record import AuditError, AuditRecord
from sfcmt.store import Store

IDS = ["c", "a", "b"]
AUDITED: dict[str, Any] = {
    "audited": "0" * 20,
    "models": [{"name": "one", "transfer": "t", "predictions": "p"}],
    "data": {"name": "tiny", "target": "d", "images": 9},
    "classes": ["cat", "dög"],
}


def begun(folder: Path, **fields: Any) -> AuditRecord:
    return AuditRecord.begin(AUDITED | fields, {"seed": 1}, IDS, Store(folder))


def again(record: AuditRecord) -> AuditRecord:
    """The same record as another process finds it."""
    found = AuditRecord.find(record.identity, Store(record.folder.parents[1]))
    assert found is not None
    return found


def test_answers_are_found_again_in_their_order(tmp_path: Path) -> None:
    record = begun(tmp_path)
    record.answer({"c": "dög"}, "page")
    record.answer({"b": None, "a": "cat"}, "csv")
    assert again(record).labels == {"c": "dög", "b": None, "a": "cat"}
    assert [record.take_back("page"), again(record).take_back("page")] == ["a", "b"]
    found = again(record)
    assert (found.labels, found.left, found.sealed, found.result) == ({"c": "dög"}, ["a", "b"], 0, None)
    assert [one["by"] for one in map(json.loads, (found.folder / "answers.jsonl").read_text().splitlines())] == [
        *("page", "csv", "csv", "page", "page")
    ]


def test_what_is_sealed_stays_and_more_labels_extend_it(tmp_path: Path) -> None:
    record = begun(tmp_path)
    record.answer(dict.fromkeys(IDS, "cat"), "csv")
    record.seal({"findings": [0.5]})
    assert again(record).result == {"findings": [0.5]}
    assert record.take_back("page") is None
    with pytest.raises(AuditError, match=r"sealed, so that the labels of a stay"):
        record.answer({"a": "dög"}, "csv")
    record.extend({"seed": 1}, [*IDS, "d"])
    found = again(record)
    assert (found.left, found.sealed, found.result, found.is_extended) == (["d"], 3, None, True)
    found.answer({"d": None}, "page")
    assert (found.take_back("page"), found.take_back("page")) == ("d", None)
    assert [plan["labels"] for plan in again(record).plans] == [3, 4]


def test_a_line_that_a_kill_has_cut_is_passed_over(tmp_path: Path) -> None:
    record = begun(tmp_path)
    record.answer({"c": "cat"}, "page")
    record.answer({"a": "cat"}, "page")
    path = record.folder / "answers.jsonl"
    path.write_bytes(path.read_bytes()[:-30])
    found = again(record)
    assert found.left == ["a", "b"]
    found.answer({"b": "dög"}, "page")
    assert again(record).labels == {"c": "cat", "b": "dög"}


def edited(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))


@pytest.mark.parametrize(
    ("file", "old", "new", "message"),
    [
        ("answers.jsonl", '"label": "cat"', '"label": "dög"', r"answers\.jsonl line 1: was edited, or is of another"),
        ("answers.jsonl", '{"id": "b"', '{"id": "a"', r"answers\.jsonl line 3: was edited, or is of another audit"),
        ("audit.json", "0.5", "0.9", r"audit\.json: was edited: its digests are not those of what it holds"),
        ("audit.json", '"audited": "0', '"audited": "1', r"audit\.json: was edited"),
        ("audit.json", '"format": 2', '"format": 99', r"audit\.json: of format 99; this release of sfcmt reads up to"),
        ("audit.json", '"plans"', '"plan"', r"audit\.json: not the record of an audit \(KeyError\)"),
    ],
)
def test_what_was_edited_is_refused_in_a_line(tmp_path: Path, file: str, old: str, new: str, message: str) -> None:
    record = begun(tmp_path)
    record.answer(dict.fromkeys(IDS, "cat"), "csv")
    record.seal({"findings": [0.5]})
    edited(record.folder / file, old, new)
    with pytest.raises((StoreError, AuditError), match=message) as refused:
        assert again(record).answers
    assert "\n" not in str(refused.value)


def test_answers_of_another_audit_or_fewer_than_were_sealed_are_refused(tmp_path: Path) -> None:
    record, other = begun(tmp_path), begun(tmp_path, audited="f" * 20)
    for one in (record, other):
        one.answer(dict.fromkeys(IDS, "cat"), "csv")
        one.seal({"findings": []})
    own = (record.folder / "answers.jsonl").read_bytes()
    (record.folder / "answers.jsonl").write_bytes((other.folder / "answers.jsonl").read_bytes())
    with pytest.raises(StoreError, match=r"line 1: was edited, or is of another audit"):
        assert again(record).answers
    (record.folder / "answers.jsonl").write_bytes(b"".join(own.splitlines(keepends=True)[:-1]))
    with pytest.raises(StoreError, match=r"its answers are not those that were sealed"):
        assert again(record).answers


def test_one_process_labels(tmp_path: Path) -> None:
    record = begun(tmp_path)
    with (
        record.labelling(),
        pytest.raises(AuditError, match=re.escape(f"{record.folder}: another process is labelling; end it first")),
        again(record).labelling(),
    ):
        pytest.fail("both label")
    with again(record).labelling():
        pass
