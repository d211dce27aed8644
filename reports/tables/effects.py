"""Main effects and interactions of a factorial ablation."""

from __future__ import annotations

from sfcmt.reports.findings.effects import Effects
from sfcmt.reports.sources.ablation import AblationResults
from sfcmt.reports.sources.evidence import interval_text, seeds_text
from sfcmt.reports.statistics.factorial import Effect, FactorialAnalysis
from sfcmt.reports.tables.judging import CORRECTIONS
from sfcmt.reports.tables.model import Cell, Column, Table, Tone, label
from sfcmt.reports.tables.notes import notes_of
from sfcmt.reports.tables.numbers import Metric, level_text, p_text


def effects_table(results: AblationResults, effects: Effects, metric: Metric, name: str) -> Table:
    """One row for each effect that the design can tell apart. Only for a design that could be analysed."""
    analysis = effects.analysis
    assert analysis is not None
    oracle, correction = metric.is_oracle, CORRECTIONS[results.spec.test.correction]
    family = f"{correction} over {len(analysis.effects)} tests at {results.spec.test.alpha:g}"

    def row(effect: Effect) -> tuple[Cell, ...]:
        corrected = effects.corrected[effect.name]
        evidence = results.provenance.evidence(
            analysis.n, analysis.seeds, interval_text(effect.interval), analysis.test, family
        )
        tone: Tone = "clear" if corrected.is_rejected else ""
        return (
            label(effect_text(effect.name)),
            Cell(", ".join(map(effect_text, effect.aliases)) or "none", tone="" if effect.aliases else "quiet"),
            Cell(f"{metric.difference(effect.value)} {metric.limits(effect.interval, True)}", evidence, tone),
            Cell(p_text(effect.p_value), evidence),
            Cell(p_text(corrected.adjusted_p), evidence, tone),
        )

    columns = (
        Column("effect of the change", is_number=False),
        Column("aliased with", is_number=False),
        Column(f"effect [{level_text(results.level)}]", is_oracle=oracle),
        Column("p", is_oracle=oracle),
        Column("p corrected", is_oracle=oracle),
    )
    title = f"Effects on {metric.title}: {results.method} on {results.data}"
    return Table(name, title, columns, tuple(map(row, analysis.effects)), _notes(results, analysis, family, oracle))


def effect_text(name: str) -> str:
    """`a:b` as `a x b`."""
    return name.replace(":", " \N{MULTIPLICATION SIGN} ")


def _notes(results: AblationResults, analysis: FactorialAnalysis, family: str, oracle: bool) -> tuple[str, ...]:
    seeds = seeds_text(analysis.seeds)
    own = [
        "Effect of a factor: mean with its change minus mean without; of an interaction: half the difference of one "
        "factor's effects with and without the other",
        f"Test: {analysis.test}, {analysis.residual_df} degrees of freedom; correction: {family}",
        f"n: {analysis.n} runs of {analysis.arms} arms by seeds {seeds}, {analysis.missing} missing",
    ]
    return notes_of(results.provenance, own, oracle)
