"""Labels by table."""

from __future__ import annotations

from pathlib import Path

import pytest

from sfcmt.errors import ConfigError, DataError
from sfcmt.reports.audit.labels_file import labels_table, read_answers, write_labels_table

IDS, CLASSES = ["c", "a", "b"], ["cat", "d\N{LATIN SMALL LETTER O WITH DIAERESIS}g, old"]


def table(folder: Path, text: str) -> Path:
    path = folder / "labels.csv"
    path.write_text(text, encoding="utf-8-sig")
    return path


def test_empty_labels_are_for_later_and_a_question_mark_is_a_label(tmp_path: Path) -> None:
    decomposed = "do\N{COMBINING DIAERESIS}g, old"
    path = table(tmp_path, f'Label;ID\n"{decomposed}";a\n?;c\n;b\n')
    assert read_answers(path, IDS, CLASSES) == {"a": CLASSES[1], "c": None}


def test_what_is_written_is_read(tmp_path: Path) -> None:
    labels = {"a": CLASSES[1], "c": None}
    path = tmp_path / "labels.csv"
    write_labels_table(path, labels_table(IDS, labels))
    write_labels_table(path, labels_table(IDS, labels))
    assert path.read_text().splitlines() == ["id,label", "c,?", f'a,"{CLASSES[1]}"', "b,"]
    assert read_answers(path, IDS, CLASSES) == labels
    with pytest.raises(DataError, match="is there already, and differs; give --csv that file"):
        write_labels_table(path, labels_table(IDS, {}))
    assert read_answers(path, IDS, CLASSES) == labels


def test_all_mistakes_are_told_at_once(tmp_path: Path) -> None:
    path = table(tmp_path, "id,label\na,cat\nx,cat\na,cat\nb,cow\nc,\nc,cat\n")
    with pytest.raises(ConfigError) as refused:
        read_answers(path, IDS, CLASSES)
    assert str(refused.value).splitlines() == [
        f"{path} line 3: id: 'x' is not allowed; allowed: an id that was drawn; see --export",
        f"{path} line 4: id: 'a' is not allowed; allowed: an id once; it is on line 2 as well",
        f"{path} line 5: label: 'cow' is not allowed; allowed: cat, {CLASSES[1]}, or ? (cannot tell)",
        f"{path} line 7: id: 'c' is not allowed; allowed: an id once; it is on line 6 as well",
    ]
