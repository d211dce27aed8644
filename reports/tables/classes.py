"""Accuracy class by class."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import fmean

from sfcmt.reports.findings.classes import ClassFinding
from sfcmt.reports.sources.evidence import Provenance, interval_text, seeds_text
from sfcmt.reports.statistics.estimates import mean_of
from sfcmt.reports.statistics.samples import Sample
from sfcmt.reports.tables.model import Cell, Column, Table, label, missing
from sfcmt.reports.tables.notes import notes_of
from sfcmt.reports.tables.numbers import Metric

_ACCURACY = Metric("oracle/accuracy")
_MOST_ARMS = 8
"""That fit on paper."""
_MOST_CLASSES = 40
"""That anybody reads."""


def classes_table(
    classes: Sequence[str], found: Sequence[ClassFinding], shown: str, provenance: Provenance, level: float, name: str
) -> Table:
    """A row for each class, a column for each arm; of very many classes those on which the arm `shown` does worst."""

    def cell(sample: Sample, images: int) -> Cell:
        if not sample:
            return missing("the class has no images")
        estimate = mean_of(sample, level, is_share=True)
        limits = f" {_ACCURACY.limits(estimate.interval)}" if estimate.interval else ""
        n = f"{estimate.n} seeds, {images} images each"
        return Cell(
            _ACCURACY.value(estimate.value) + limits,
            provenance.evidence(n, estimate.seeds, interval_text(estimate.interval)),
        )

    counts, arm = found[0].images, next((one for one in found if one.arm == shown), found[0])
    places = {place: classes[place] for place in _hardest(arm)}
    rows = tuple(
        (
            label(klass),
            Cell(str(counts[place]), provenance.evidence(f"{counts[place]} images")),
            *(cell(one.accuracies[place], counts[place]) for one in found),
        )
        for place, klass in places.items()
    )
    columns = (
        Column("class", is_number=False),
        Column("images", is_oracle=True),
        *(Column(f"{one.arm} (%)", is_oracle=True) for one in found),
    )
    seeds = sorted({seed for one in found for sample in one.accuracies for seed in sample})
    notes = [f"Mean over seeds {seeds_text(seeds)} with t intervals over seeds; test: none; correction: none"]
    if len(places) < len(classes):
        notes.append(f"The {len(places)} of {len(classes)} classes of which {arm.arm} finds the smallest share")
    is_long = len(found) > _MOST_ARMS
    return Table(name, "Accuracy by class", columns, rows, notes_of(provenance, notes, True), is_long)


def _hardest(found: ClassFinding) -> list[int]:
    """Places of all classes in their order; of very many, of those with the smallest share, the smallest first."""
    places = range(len(found.accuracies))
    if len(places) <= _MOST_CLASSES:
        return [*places]
    seen = [place for place in places if found.accuracies[place]]
    return sorted(seen, key=lambda place: fmean(found.accuracies[place].values()))[:_MOST_CLASSES]
