"""The verdict on an ablation as tables for a terminal: its arms, and the effects of a factorial design."""

from __future__ import annotations

from collections.abc import Iterator

from rich import box
from rich.table import Table

from sfcmt.reports.findings.arms import ArmFinding, arm_findings
from sfcmt.reports.findings.effects import Effects, effects_of
from sfcmt.reports.sources.ablation import AblationResults
from sfcmt.reports.statistics.correction import Corrected
from sfcmt.reports.statistics.interval import Interval
from sfcmt.reports.tables.judging import CORRECTIONS
from sfcmt.reports.tables.numbers import Metric, level_text, p_text, size_text

_CAPTION = "d: mean over standard deviation of the pairs' differences, corrected for few pairs; *: p below alpha"


def verdict_tables(results: AblationResults) -> Iterator[Table]:
    """What the study's own test says. Oracle columns are in percent and points."""
    metric, level = Metric(results.spec.test.column), level_text(results.level)
    findings = arm_findings(results)
    yield _arms(f"{results.name}: {metric.title}, {level} intervals", findings, metric)
    if results.is_factorial and any(one.sample for one in findings):
        yield _effects(f"Effects of the changes on {metric.title}, {level} intervals", effects_of(results), metric)


def _arms(title: str, findings: list[ArmFinding], metric: Metric) -> Table:
    family = next((one.corrected for one in findings if one.corrected), None)
    is_adaptive = any(one.decision for one in findings)
    told = ["verdict"] if is_adaptive else [_p_title(family)] if family else []
    table = _table(title, ["arm", "n", "mean", "difference", *told, "d"], texts={"arm", "verdict"})
    table.caption, table.caption_justify = _CAPTION, "left"
    for one in findings:
        mean = _with_limits(metric.value(one.mean.value), one.mean.interval, metric) if one.mean else "missing"
        size = one.difference.corrected_d if one.difference else None
        verdict = [one.decision.verdict if one.decision else ""] if is_adaptive else [_p(one.corrected)] * len(told)
        shown = "" if size is None else size_text(size)
        table.add_row(one.arm, str(len(one.sample)), mean, _difference(one, metric), *verdict, shown)
    return table


def _difference(one: ArmFinding, metric: Metric) -> str:
    """Where seeds were added, the interval is the rule's: those of all looks and arms hold together."""
    if one.difference is None:
        return "" if one.is_baseline else "missing"
    return _with_limits(metric.difference(one.difference.mean), one.interval, metric, True)


def _effects(title: str, effects: Effects, metric: Metric) -> Table:
    if effects.analysis is None:
        return Table(title=f"No effects: {effects.reason}", title_justify="left")
    p = _p_title(effects.corrected[effects.analysis.effects[0].name])
    table = _table(title, ["effect", "difference", p, "not told from"], texts={"effect", "not told from"})
    for effect in effects.analysis.effects:
        difference = _with_limits(metric.difference(effect.value), effect.interval, metric, True)
        table.add_row(effect.name, difference, _p(effects.corrected[effect.name]), ", ".join(effect.aliases))
    return table


def _table(title: str, columns: list[str], texts: set[str]) -> Table:
    table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, show_edge=False, padding=(0, 1, 0, 0))
    for column in columns:
        table.add_column(column, justify="left" if column in texts else "right", no_wrap=True)
    return table


def _with_limits(value: str, interval: Interval | None, metric: Metric, is_difference: bool = False) -> str:
    return value if interval is None else f"{value} {metric.limits(interval, is_difference)}"


def _p_title(corrected: Corrected) -> str:
    if corrected.correction == "none":
        return "p"
    return f"p ({CORRECTIONS[corrected.correction]}\nof {corrected.family})"


def _p(corrected: Corrected | None) -> str:
    """With a star where the null hypothesis is rejected."""
    if corrected is None:
        return ""
    return p_text(corrected.adjusted_p) + (" *" if corrected.is_rejected else "")
