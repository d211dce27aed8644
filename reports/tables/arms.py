"""The main table of an ablation."""

from __future__ import annotations

from reports.findings.arms import ArmFinding
from reports.sources.ablation import AblationResults
from reports.sources.evidence import Evidence, interval_text, seeds_text
from reports.statistics.estimates import Estimate
from reports.statistics.intervals import Interval
from reports.tables.model import Cell, Column, Table, label, missing
from reports.tables.notes import notes_of
from reports.tables.numbers import Metric, level_text, p_text, size_text

TESTS = {
    "paired_t": "paired t-test",
    "paired_bootstrap": "paired studentised bootstrap test",
    "paired_permutation": "paired permutation test",
    "wilcoxon": "Wilcoxon signed-rank test",
}
CORRECTIONS = {"holm": "Holm", "benjamini_hochberg": "Benjamini-Hochberg", "none": "none"}
BY_RULE = "paired t intervals at planned looks, alpha shared equally among them"


class ArmsTable:
    """Makes the table's cells."""

    def __init__(self, results: AblationResults, findings: list[ArmFinding], metric: Metric, name: str) -> None:
        self._results, self._findings, self._metric, self._name = results, findings, metric, name
        self._test = TESTS[results.spec.test.kind]
        self._is_adaptive = not isinstance(results.spec.seeds, int)

    def table(self) -> Table:
        """Arms in the order of the design."""
        oracle, level = self._metric.is_oracle, level_text(self._results.level)
        columns = [
            Column("arm", is_number=False),
            Column("n"),
            Column("seeds"),
            Column(f"mean [{level}]", is_oracle=oracle),
            Column(f"IQM [{level}]", is_oracle=oracle),
            Column(f"difference [{level}]", is_oracle=oracle),
            *self._verdict_columns(oracle),
            Column("d", is_oracle=oracle),
            Column("rank-biserial r", is_oracle=oracle),
        ]
        title = f"{self._metric.heading}: {self._results.method} on {self._results.data}"
        return Table(self._name, title, tuple(columns), tuple(map(self._row, self._findings)), self._notes())

    def _verdict_columns(self, oracle: bool) -> list[Column]:
        if self._is_adaptive:
            return [Column("verdict", is_number=False, is_oracle=oracle), Column("rule's interval", is_oracle=oracle)]
        if self._results.is_factorial:
            return []
        return [Column("p", is_oracle=oracle), Column("p corrected", is_oracle=oracle)]

    def _row(self, one: ArmFinding) -> tuple[Cell, ...]:
        name = label(f"{one.arm} (baseline)" if one.is_baseline and one.arm != "baseline" else one.arm)
        counts = self._evidence(one, seeds=tuple(one.sample))
        absent = f"no value of seeds {seeds_text(one.absent)}" if one.absent else ""
        n = Cell(
            f"{len(one.sample)} of {len(one.sample) + len(one.absent)}" if absent else str(len(one.sample)),
            counts,
            hint=absent,
        )
        seeds = Cell(seeds_text(tuple(one.sample)), counts) if one.sample else missing("no seed has a value")
        mean, iqm = (self._estimate(one, estimate) for estimate in (one.mean, one.iqm))
        return (name, n, seeds, mean, iqm, *self._against_baseline(one))

    def _estimate(self, one: ArmFinding, estimate: Estimate | None) -> Cell:
        if estimate is None:
            return missing("no seed has a value")
        evidence = self._evidence(one, estimate.seeds, interval_text(estimate.interval))
        return Cell(self._with_limits(self._metric.value(estimate.value), estimate.interval), evidence)

    def _against_baseline(self, one: ArmFinding) -> tuple[Cell, ...]:
        width = 3 + len(self._verdict_columns(False))
        if one.is_baseline:
            return (
                Cell("baseline", tone="quiet"),
                *(Cell("\N{EN DASH}", tone="quiet", hint="the baseline itself") for _ in range(width - 1)),
            )
        if (found := one.difference) is None:
            return tuple(missing("no seed has a value here and in the baseline") for _ in range(width))
        evidence = self._evidence(one, found.seeds, interval_text(found.interval), tested=True)
        text = self._with_limits(self._metric.difference(found.mean), found.interval, True)
        few = missing(f"{found.n} pairs are too few, or their differences do not vary")
        d = (
            few
            if found.corrected_d is None
            else Cell(size_text(found.corrected_d), evidence, hint="Hedges' corrected d of the pairs")
        )
        rank = Cell(size_text(found.rank_biserial), evidence, hint="matched-pairs rank-biserial correlation")
        return (Cell(text, evidence, "clear" if one.is_clear else ""), *self._verdict(one, evidence), d, rank)

    def _verdict(self, one: ArmFinding, evidence: Evidence) -> tuple[Cell, ...]:
        if one.decision is not None:
            rule = one.decision
            limits = Interval(rule.low, rule.high, rule.level, rule.method)
            if not rule.n:
                return label(rule.verdict), missing("no look has been reached")
            told = self._evidence(
                one, (one.difference.seeds if one.difference else ())[: rule.n], interval_text(limits), tested=True
            )
            return Cell(rule.verdict, tone="clear" if one.is_clear else ""), Cell(
                self._metric.limits(limits, True), told
            )
        if self._results.is_factorial:
            return ()
        if one.corrected is None or one.difference is None or one.difference.test is None:
            return missing("a single pair cannot be tested"), missing("a single pair cannot be tested")
        reach = f"with {one.difference.n} pairs no p below {one.difference.test.smallest_p:.2g} was possible"
        adjusted = Cell(p_text(one.corrected.adjusted_p), evidence, "clear" if one.is_clear else "")
        return Cell(p_text(one.corrected.p_value), evidence, hint=reach), adjusted

    def _with_limits(self, value: str, interval: Interval | None, is_difference: bool = False) -> str:
        limits = "[missing]" if interval is None else self._metric.limits(interval, is_difference)
        return f"{value} {limits}"

    def _evidence(
        self, one: ArmFinding, seeds: tuple[int, ...], interval: str = "none", tested: bool = False
    ) -> Evidence:
        test, correction = self._tested(one) if tested else ("none", "none")
        return self._results.provenance.evidence(len(seeds), seeds, interval, test, correction)

    def _tested(self, one: ArmFinding) -> tuple[str, str]:
        test = self._results.spec.test
        if self._is_adaptive:
            return BY_RULE, "Bonferroni over looks" + (", Holm over arms" if test.correction == "holm" else "")
        if self._results.is_factorial:
            return "none (the design is judged by its effects)", "none"
        family = one.corrected.family if one.corrected else 0
        return self._test, f"{CORRECTIONS[test.correction]} over {family} tests at {test.alpha:g}"

    def _notes(self) -> tuple[str, ...]:
        spec, level = self._results.spec, level_text(self._results.level)
        tested = next((one for one in self._findings if one.corrected), self._findings[-1])
        test, correction = self._tested(tested)
        return notes_of(
            self._results.provenance,
            [
                f"Differences from the arm {self._results.baseline}, paired by seed",
                f"Test: {test}; correction: {correction}",
                f"Intervals at {level}: t for means and differences, expanded percentile bootstrap for the IQM",
                "d: Hedges' corrected d of the pairs; r: matched-pairs rank-biserial correlation",
                f"n: seeds with a value, of {seeds_text(self._results.seeds)}; design: {spec.design.replace('_', ' ')}",
            ],
            self._metric.is_oracle,
        )
