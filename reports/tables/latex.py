"""Tables as LaTeX, for booktabs."""

from __future__ import annotations

from collections.abc import Sequence

from sfcmt.reports.tables.model import DAGGER, Cell, Table

PREAMBLE = "% needs: \\usepackage{booktabs,graphicx,rotating} and, before TeX Live 2018, \\usepackage[utf8]{inputenc}\n"
_UPRIGHT = 110
"""The most characters of a row on an upright page: about 75 have room there, and more are scaled down."""
_ESCAPES = str.maketrans(
    {
        "\\": r"\textbackslash{}",
        "&": r"\&",
        "%": r"\%",
        "$": r"\$",
        "#": r"\#",
        "_": r"\_",
        "{": r"\{",
        "}": r"\}",
        "~": r"\textasciitilde{}",
        "^": r"\textasciicircum{}",
        "<": r"\textless{}",
        ">": r"\textgreater{}",
        "|": r"\textbar{}",
        "\N{MINUS SIGN}": "$-$",
        "\N{MULTIPLICATION SIGN}": r"$\times$",
        "\N{EN DASH}": "--",
        DAGGER: r"\textdagger{}",
        "\n": " ",
    }
)


def latex(tables: Sequence[Table]) -> str:
    """All tables of a document, one after the other."""
    return PREAMBLE + "\n".join(map(_table, tables))


def escaped(text: str) -> str:
    """Text that LaTeX prints as it is."""
    return text.translate(_ESCAPES)


def _table(table: Table) -> str:
    layout = "".join("r" if column.is_number else "l" for column in table.columns)
    rows = [" & ".join(map(_cell, row)) for row in table.rows]
    kind = "table" if _width(table) <= _UPRIGHT else "sidewaystable"
    lines = [
        rf"\begin{{{kind}}}",
        r"  \centering\small",
        rf"  \caption{{{escaped(table.title)}}}",
        rf"  \label{{tab:{table.name}}}",
        r"  \resizebox{\ifdim\width>\linewidth\linewidth\else\width\fi}{!}{%",
        rf"  \begin{{tabular}}{{@{{}}{layout}@{{}}}}",
        r"    \toprule",
        rf"    {' & '.join(escaped(column.marked) for column in table.columns)} \\",
        r"    \midrule",
        *(rf"    {row} \\" for row in rows),
        r"    \bottomrule",
        r"  \end{tabular}}",
        r"  \par\smallskip",
        rf"  \parbox{{\linewidth}}{{\footnotesize\raggedright {escaped(' '.join(table.notes))}}}",
        rf"\end{{{kind}}}",
    ]
    return "\n".join(lines) + "\n"


def _width(table: Table) -> int:
    """Characters of the widest row there could be, with the space between columns."""
    columns = zip([column.marked for column in table.columns], *table.rows, strict=True)
    return sum(2 + max(len(head), *(len(cell.text) for cell in cells)) for head, *cells in columns)


def _cell(cell: Cell) -> str:
    text = escaped(cell.text)
    # a row that opens with a bracket would be read as the argument of the line break before it
    text = f"{{{text}}}" if text.startswith("[") else text
    return rf"\textbf{{{text}}}" if cell.tone == "clear" else text
