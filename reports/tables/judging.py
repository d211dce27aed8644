"""How an ablation judges its arms: by a test, by the rule that adds seeds, or by the effects of its factors."""

from __future__ import annotations

from sfcmt.reports.findings.arms import ArmFinding
from sfcmt.reports.sources.ablation import AblationResults
from sfcmt.reports.sources.evidence import Evidence
from sfcmt.reports.tables.model import Cell, Column, Tone, missing
from sfcmt.reports.tables.numbers import level_text, p_text

CORRECTIONS = {"holm": "Holm", "benjamini_hochberg": "Benjamini-Hochberg", "none": "none"}
_TESTS = {
    "paired_t": "paired t-test",
    "paired_bootstrap": "paired studentised bootstrap test",
    "paired_permutation": "paired permutation test",
    "wilcoxon": "Wilcoxon signed-rank test",
}


class Judging:
    """In words and in cells."""

    def __init__(self, results: AblationResults, findings: list[ArmFinding], is_oracle: bool) -> None:
        self._results, self._findings, self._is_oracle = results, findings, is_oracle
        self._rule = results.checked.stopping_rule()

    @property
    def test(self) -> str:
        """Its name."""
        if self._results.is_factorial:
            return "none of single arms: the design is judged by its effects"
        return "paired t intervals at planned looks" if self._rule else _TESTS[self._results.spec.test.kind]

    @property
    def correction(self) -> str:
        """Its name, and over how many tests."""
        test = self._results.spec.test
        if self._results.is_factorial:
            return "none"
        if self._rule:
            return f"Bonferroni over looks{' and arms' if test.correction == 'holm' else ''} at {test.alpha:g}"
        family = next((one.corrected.family for one in self._findings if one.corrected), 0)
        return f"{CORRECTIONS[test.correction]} over {family} tests at {test.alpha:g}"

    @property
    def interval(self) -> str:
        """Level of the differences' intervals."""
        level = 1 - self._rule.alpha / len(self._rule.looks) if self._rule else self._results.level
        return level_text(level)

    def columns(self) -> list[Column]:
        """What stands beside the difference."""
        if self._results.is_factorial:
            return []
        titles = ["verdict"] if self._rule else ["p", "p corrected"]
        return [Column(title, not self._rule, self._is_oracle) for title in titles]

    def cells(self, one: ArmFinding, evidence: Evidence) -> list[Cell]:
        """The same of an arm that has been compared."""
        tone: Tone = "clear" if one.is_clear else ""
        if one.decision is not None:
            return [Cell(one.decision.verdict, tone=tone, hint=f"after {one.decision.n} pairs")]
        if self._results.is_factorial:
            return []
        if one.corrected is None or one.difference is None or one.difference.test is None:
            return [
                missing("a single pair cannot be tested, nor can differences that do not vary") for _ in self.columns()
            ]
        reach = f"with {one.difference.n} pairs no p below {one.difference.test.min_p_value:.2g} was possible"
        adjusted = Cell(p_text(one.corrected.adjusted_p), evidence, tone)
        return [Cell(p_text(one.corrected.p_value), evidence, hint=reach), adjusted]
