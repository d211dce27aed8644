"""The report of finished studies: made whole in memory, then written. The same studies give the same bytes."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

import pyarrow as pa

from sfcmt.durable import write_durably
from sfcmt.reports.findings.across import across, arms_of
from sfcmt.reports.page.ablation import ablation_sections
from sfcmt.reports.page.blocks import Grid, Section
from sfcmt.reports.page.document import document
from sfcmt.reports.page.judged import accountability_section
from sfcmt.reports.page.render import page
from sfcmt.reports.page.search import search_sections
from sfcmt.reports.sources.ablation import AblationResults
from sfcmt.reports.sources.reproduction import FOLDER, reproduction_of
from sfcmt.reports.sources.results import Results
from sfcmt.reports.sources.search import SearchResults
from sfcmt.reports.tables.across import AcrossTable
from sfcmt.reports.tables.latex import latex
from sfcmt.reports.tables.model import Table

_LEAD = (
    "Point at a number (or tap it, or reach it by the keyboard) for what stands behind it; what is missing is shown as "
    "missing."
)


_MARKDOWN_LEAD = (
    "Written by `sfcmt report {}` from finished studies; nothing here was typed. †: has read target labels."
)


def report(studies: Sequence[Results]) -> dict[str, bytes]:
    """Files by their names: the page, the tables, the figures, the runs, and what is needed to run it again."""
    labelled = _labelled(studies)
    title = "Results" if len(labelled) > 1 else next(iter(labelled))
    command = " ".join(dict.fromkeys(results.name for results in studies))
    sections = _shared_sections(labelled)
    for label, results in labelled.items():
        sections += _sections(label, results)
    tables = [table for section in sections for table in section.tables if not table.is_long]
    files = {
        "report.html": page(title, _LEAD, sections).encode(),
        "table.tex": latex(tables).encode(),
        "report.md": document(title, _MARKDOWN_LEAD.format(command), sections).encode(),
        "results.arrow": _arrow([results.table for results in studies]),
    }
    for drawing in (drawing for section in sections for drawing in section.drawings):
        files |= {f"figures/{drawing.name}.png": drawing.png(), f"figures/{drawing.name}.pdf": drawing.pdf()}
    for results in studies:
        files |= {f"{FOLDER}/{name}": text.encode() for name, text in reproduction_of(results).files.items()}
    return files


def write(files: Mapping[str, bytes], folder: Path) -> None:
    """Put each file in its place in one move. Raises `DiskError`."""
    for name, content in files.items():
        write_durably(folder / name, content)


def _labelled(studies: Sequence[Results]) -> dict[str, Results]:
    """By their names; where two have one, by their data sets' as well, or else by their folders'."""
    told = [(results.name, f"{results.name}-{results.data}", results.folder.name) for results in studies]
    columns = list(zip(*told, strict=True))
    labels = [
        next(label for label, others in zip(own, columns, strict=True) if others.count(label) == 1) for own in told
    ]
    return {re.sub(r"[^\w.-]+", "-", label): results for label, results in zip(labels, studies, strict=True)}


def _shared_sections(labelled: Mapping[str, Results]) -> list[Section]:
    if len(labelled) == 1:
        return []
    alike: dict[frozenset[str], dict[str, Results]] = {}
    for label, results in labelled.items():
        alike.setdefault(frozenset(arms_of(results)), {})[label] = results
    tables = [_across_table(f"data-sets-{n}", group) for n, group in enumerate(alike.values(), 1) if len(group) > 1]
    sections = [Section("data-sets", "By data set", [Grid(table) for table in tables])] if tables else []
    return [*sections, accountability_section("validators", list(labelled.values()), 2)]


def _across_table(name: str, labelled: Mapping[str, Results]) -> Table:
    level = min([one.level for one in labelled.values() if isinstance(one, AblationResults)], default=0.95)
    return AcrossTable(across(_by_data(labelled)), level).table(name)


def _by_data(labelled: Mapping[str, Results]) -> dict[str, Results]:
    """By data set, with the study's name where two studies have one data set."""
    data = [results.data for results in labelled.values()]
    return {
        results.data if data.count(results.data) == 1 else f"{results.data} ({label})": results
        for label, results in labelled.items()
    }


def _sections(label: str, results: Results) -> list[Section]:
    if isinstance(results, AblationResults):
        return ablation_sections(label, results)
    assert isinstance(results, SearchResults)
    return search_sections(label, results)


def _arrow(tables: Sequence[pa.Table]) -> bytes:
    together = pa.concat_tables(tables, promote_options="default")
    sink = pa.BufferOutputStream()
    with pa.ipc.new_file(sink, together.schema) as writer:
        writer.write_table(together)
    content: bytes = sink.getvalue().to_pybytes()
    return content
