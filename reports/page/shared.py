"""Sections that searches and ablations have in common."""

from __future__ import annotations

from collections.abc import Iterator

from sfcmt.reports.figures.pictures import confusion, translations
from sfcmt.reports.findings.classes import class_findings
from sfcmt.reports.findings.costs import costs_of
from sfcmt.reports.page.blocks import Block, Chart, Facts, Grid, Listing, Section, Text
from sfcmt.reports.sources.evidence import MISSING, Provenance, seeds_text
from sfcmt.reports.sources.reproduction import FOLDER, reproduction_of
from sfcmt.reports.sources.results import Results
from sfcmt.reports.sources.runs import Run
from sfcmt.reports.tables.classes import classes_table
from sfcmt.reports.tables.costs import costs_table
from sfcmt.reports.tables.model import Cell, missing


def studied(label: str, kind: str, results: Results, own: list[tuple[str, str]]) -> Facts:
    """What was studied."""
    texts = [
        ("study", f"{label} ({kind})"),
        ("experiment", results.asked),
        ("method", results.method),
        ("data set", f"{results.data}, digest {results.digest}"),
        *own,
        ("seeds", seeds_text(results.seeds)),
        ("target labels", f"opened {results.opened}" if results.is_scored else f"closed: {results.why_closed}"),
    ]
    commit = results.provenance.commit
    told = missing("the study did not write it down") if commit == MISSING else Cell(commit)
    return Facts((*((term, Cell(text)) for term, text in texts), ("git commit", told)))


def by_class(
    label: str, results: Results, arms: dict[str, list[Run]], shown: str, provenance: Provenance, level: float
) -> Section:
    """Accuracy by class of some arms, and the confusion matrix of one."""
    section = Section(f"{label}-classes", "By class", level=3, is_detail=True)
    found = class_findings(results, arms)
    if not found or results.dataset is None:
        why = "the outputs or the data set are not on this machine" if results.is_scored else results.why_closed
        section.blocks.append(Text(f"Results by class: {MISSING} ({why})."))
        return section
    classes = results.dataset.classes
    section.blocks.append(Grid(classes_table(classes, found, shown, provenance, level, f"{label}-classes")))
    for one in found:
        if one.arm == shown:
            seeds = sorted({seed for sample in one.accuracies for seed in sample})
            section.blocks.append(Chart(confusion(f"{label}-confusion", one, classes, seeds), is_picture=True))
    return section


def samples(label: str, results: Results, run: Run) -> Section:
    """What the translator makes of target images."""
    section = Section(f"{label}-samples", "Translated samples", level=3, is_detail=True)
    drawing = translations(f"{label}-samples", results, run)
    why = f"{run.arm} has no translator, or it or the images are not on this machine"
    section.blocks.append(
        Chart(drawing, is_picture=True) if drawing else Text(f"Translated samples: {MISSING} ({why}).")
    )
    return section


def cost(label: str, results: Results) -> Section:
    """Seconds, and what was reused."""
    found = costs_of(results)
    table = costs_table(results, found, f"{label}-cost")
    blocks: list[Block] = [Grid(table)] if found.rows else [Text(f"Cost: {MISSING} (no trial wrote its stages down).")]
    return Section(f"{label}-cost", "Cost and reuse", blocks, level=3, is_detail=True)


def again(label: str, results: Results) -> Section:
    """How to run it again."""
    found = reproduction_of(results)
    intro = Text(
        f"The files are beside this page, in {FOLDER}. The same commands on the same store train nothing twice."
    )
    return Section(
        f"{label}-again",
        "Run it again",
        [intro, Listing("Commands", "\n".join(found.commands)), *_files(found.files)],
        level=3,
        is_detail=True,
    )


def _files(files: dict[str, str]) -> Iterator[Listing]:
    return (Listing(name, text, is_folded=True) for name, text in files.items())
