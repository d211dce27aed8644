"""Texts of users, in whatever encoding and with whatever delimiter."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

import sfcmt
from sfcmt.errors import DataError
from sfcmt.text_files import composed, read_rows, read_text

ACCENT = "caf\N{LATIN SMALL LETTER E WITH ACUTE}"
APART = "cafe\N{COMBINING ACUTE ACCENT}"
COLUMNS = ["file", "label"]


def file_of(folder: Path, text: str, encoding: str = "utf-8") -> Path:
    path = folder / "labels.csv"
    path.write_bytes(text.encode(encoding))
    return path


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_marked_encodings_are_read(tmp_path: Path, encoding: str, end: str) -> None:
    assert read_text(file_of(tmp_path, f"a{end}{ACCENT}", encoding)) == f"a\n{ACCENT}"


@pytest.mark.parametrize(
    ("encoding", "message"),
    [
        ("cp1252", r"labels.csv line 2: not UTF-8 \(byte 0xe9\); save it as UTF-8, or convert it, .*iconv -f cp1252"),
        ("utf-16-le", r"labels.csv line 2: not UTF-8"),
    ],
)
def test_others_are_refused_with_the_line(tmp_path: Path, encoding: str, message: str) -> None:
    with pytest.raises(DataError, match=message):
        read_text(file_of(tmp_path, f"a\n{ACCENT}\n", encoding))


def test_utf_16_without_its_mark_is_told_from_utf_8(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="zero bytes in a text; save it as UTF-8"):
        read_text(file_of(tmp_path, "cat", "utf-16-be"))


@pytest.mark.parametrize("name", ["missing.csv", "."])
def test_what_cannot_be_opened_is_one_line(tmp_path: Path, name: str) -> None:
    with pytest.raises(DataError, match=r"cannot be read \("):
        read_text(tmp_path / name)


def test_a_name_is_the_same_in_both_forms() -> None:
    assert composed(f" {APART}\t") == ACCENT


@pytest.mark.parametrize(
    "text",
    [
        f"file,label\na.png,{ACCENT}\nb.png,dog\n",
        f"File ; LABEL\n a.png;{ACCENT} \n\nb.png;dog",
        f"\nlabel\tfile\n{APART}\ta.png\ndog\tb.png\n;;",
        f'sep=;\n"file";"label"\n"a.png";"{ACCENT}"\n"b.png";"dog";\n',
        f"file,label,\na.png,{ACCENT},\nb.png,dog,\n".replace("label,", "label"),
    ],
)
def test_a_table_has_its_columns_whatever_its_delimiter(tmp_path: Path, text: str) -> None:
    text = text.removesuffix(";;")
    rows = [row for _, row in read_rows(file_of(tmp_path, text), COLUMNS)]
    assert rows == [{"file": "a.png", "label": ACCENT}, {"file": "b.png", "label": "dog"}]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "its columns must be file and label, not []"),
        ("file;class\n", "its columns must be file and label, not ['file', 'class']"),
        ("file,label\na.png,cat\nb, c.png,dog\n", "labels.csv line 3: 3 values for 2 columns"),
        ("sep=;\nfile;label\na;b;c\n", "labels.csv line 3: 3 values for 2 columns"),
    ],
)
def test_a_wrong_table_is_refused(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(DataError, match=re.escape(message)):
        [*read_rows(file_of(tmp_path, text), COLUMNS)]


def test_a_short_row_lacks_its_last_values(tmp_path: Path) -> None:
    assert [*read_rows(file_of(tmp_path, "file,label\na.png\n"), COLUMNS)] == [
        (f"{tmp_path}/labels.csv line 2", {"file": "a.png", "label": ""})
    ]


@pytest.mark.parametrize("room", ["sfcmt", "tuning", "clusters", "reports"])
def test_all_texts_are_of_one_encoding_whatever_the_locale(room: str) -> None:
    found = []
    for path in (Path(sfcmt.__file__).parents[1] / room).rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_bytes())):
            match node:
                case ast.Call(func=ast.Attribute(attr="read_text" | "write_text"), keywords=keywords):
                    if not {"encoding", None} & {keyword.arg for keyword in keywords}:
                        found.append(f"{path}:{node.lineno}")
    assert found == []
