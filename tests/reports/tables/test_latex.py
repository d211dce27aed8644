"""LaTeX tables: by a small parser always, and by a real pdflatex where there is one."""

from __future__ import annotations

import re
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from sfcmt.commit import code_version
from sfcmt.reports.tables.latex import latex
from sfcmt.reports.tables.model import Column, Table, label
from tests.reports.conftest import Files
from tests.reports.tables.examples import TABLE

_DOCUMENT = (
    "\\documentclass{article}\n\\usepackage{booktabs,graphicx,rotating}\n\\begin{document}\n%s\n\\end{document}\n"
)


def assert_balanced(text: str) -> None:
    """Every environment and brace is closed in order, and every row has as many cells as its table has columns."""
    code = re.sub(r"(?<!\\)%.*", "", text)
    opened: list[str] = []
    for kind, name, brace in re.findall(r"\\(begin|end)\{(\w+)\}|(?<!\\)([{}])", code):
        if kind == "begin":
            opened.append(name)
        elif kind == "end":
            assert opened.pop() == name
        elif brace == "{":
            opened.append("{")
        else:
            assert opened.pop() == "{"
    assert opened == []
    for layout, body in re.findall(r"\\begin\{tabular\}\{@\{\}(\w+)@\{\}\}(.*?)\\end\{tabular\}", code, re.DOTALL):
        rows = [row for row in re.split(r"\\\\\n", body) if "&" in row]
        assert rows
        assert {len(re.findall(r"(?<!\\)&", row)) + 1 for row in rows} == {len(layout)}


def compiled(text: str, folder: Path) -> str:
    """The text of the compiled document's log."""
    program = shutil.which("pdflatex")
    if program is None:
        pytest.skip("pdflatex is not installed")
    (folder / "all.tex").write_text(_DOCUMENT % text)
    command = [program, "-interaction=nonstopmode", "-halt-on-error", "all.tex"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=100)
    assert done.returncode == 0, done.stdout[-2000:]
    return done.stdout


def test_what_is_special_is_escaped() -> None:
    text = latex([TABLE])
    assert_balanced(text)
    assert r"50\% \& more\_of \$this\$ \#1 \{a\} \textbackslash{}b" in text
    assert r"\textbf{$-$2.0 [$-$3.0, +1.0]}" in text
    assert r"mean [95 \%]\textdagger{}" in text
    assert r"{[bracket] first} &" in text
    assert not [letter for letter in text if ord(letter) > 127]


def test_the_note_has_what_is_behind_the_numbers(all_reports: Files) -> None:
    text = all_reports["table.tex"].decode()
    assert_balanced(text)
    note = re.search(r"\\label\{tab:parts-arms\}.*?footnotesize\\raggedright (.*?)\}\n", text, re.DOTALL)
    assert note is not None
    told = (
        "paired t-test",
        "Holm over 3 tests",
        "seeds with a value, of 0--4",
        "every arm is shown",
        "0123456789abcdef",
    )
    assert [one for one in told if one not in note[1]] == []
    assert re.search(r"data: tiny [0-9a-f]{64}", note[1])
    assert f"commit: {code_version()}" in text.replace(r"\_", "_")


@pytest.mark.parametrize("special", ["&", "%", "{"])
def test_the_parser_sees_what_is_not_escaped(special: str) -> None:
    with pytest.raises((AssertionError, IndexError)):
        assert_balanced(latex([TABLE]).replace(f"\\{special}", special))


def test_a_table_that_is_too_wide_for_an_upright_page_lies_on_its_side() -> None:
    columns = tuple(Column(f"data set {number}") for number in range(10))
    wide = Table("wide", "Wide", columns, (tuple(label("12.3") for _ in columns),), ("Test: none.",))
    assert latex([wide]).count("{sidewaystable}") == 2
    assert "{sidewaystable}" not in latex([replace(wide, columns=columns[:5], rows=(wide.rows[0][:5],))])
    assert_balanced(latex([wide]))


@pytest.mark.slow
def test_it_compiles(all_reports: Files, crossed_report: Files, tmp_path: Path) -> None:
    text = "\n".join((latex([TABLE]), all_reports["table.tex"].decode(), crossed_report["table.tex"].decode()))
    log = compiled(text, tmp_path)
    assert (tmp_path / "all.pdf").stat().st_size > 10_000
    assert "Overfull \\hbox" not in log
