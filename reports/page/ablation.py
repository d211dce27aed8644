"""The sections of an ablation."""

from __future__ import annotations

from sfcmt.reports.findings.gap import gap_findings
from sfcmt.reports.page.arms import ArmBlocks
from sfcmt.reports.page.blocks import Grid, Headline, Section
from sfcmt.reports.page.effects import effect_blocks
from sfcmt.reports.page.judged import accountability_section
from sfcmt.reports.page.shared import again, by_class, cost, samples, studied
from sfcmt.reports.sources.ablation import AblationResults
from sfcmt.reports.tables.gap import gap_table
from sfcmt.reports.tables.numbers import Metric
from sfcmt.reports.tables.validators import validators_table


def ablation_sections(label: str, results: AblationResults) -> list[Section]:
    """From what was asked to how it is run again, under a label that is unique on the page."""
    arms = ArmBlocks(label, results)
    headline, sections = arms.headline(), [Section(f"{label}-arms", "Arms", arms.blocks(), level=3)]
    if results.is_factorial:
        count, blocks = effect_blocks(label, results)
        headline.append(count)
        sections.append(Section(f"{label}-effects", "Effects", blocks, level=3))
    if gaps := gap_findings(results):
        gap = gap_table(results, gaps, f"{label}-gap")
        sections.append(Section(f"{label}-gap", "How much of the gap is closed", [Grid(gap)], level=3))
    if scores := validators_table(results, f"{label}-validators"):
        sections.append(Section(f"{label}-validators", "Label-free scores", [Grid(scores)], level=3))
        sections.append(accountability_section(f"{label}-judged", [results]))
    asked = studied(
        label, "ablation", results, _asked(results, f"{arms.judging.test}; correction {arms.judging.correction}")
    )
    all_arms = {arm: results.runs_of(arm) for arm in results.arms}
    return [
        Section(label, f"Ablation {label}", [Headline(tuple(headline)), asked]),
        *sections,
        by_class(label, results, all_arms, results.baseline, results.provenance, results.level),
        samples(label, results, all_arms[results.baseline][0]),
        cost(label, results),
        again(label, results),
    ]


def _asked(results: AblationResults, test: str) -> list[tuple[str, str]]:
    spec, metric = results.spec, Metric(results.spec.test.column)
    factors = [
        (f"factor {name}", ", ".join(f"{field}={value}" for field, value in changes.items()))
        for name, changes in spec.factors.items()
    ]
    return [
        ("design", f"{spec.design.replace('_', ' ')}, {len(results.arms)} arms"),
        ("baseline", results.baseline),
        *factors,
        ("compared", f"{metric.name}{' (oracle)' if metric.is_oracle else ''}"),
        ("test", test),
        ("selection", results.provenance.selection),
    ]
