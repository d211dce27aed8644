"""The arms of an ablation: what each reaches, and how it differs from the baseline."""

from __future__ import annotations

from dataclasses import dataclass

from sfcmt.reports.sources.ablation import AblationResults
from sfcmt.reports.sources.runs import is_share, samples_of
from sfcmt.reports.statistics.correction import Corrected, correct
from sfcmt.reports.statistics.estimates import Estimate, iqm_of, mean_of
from sfcmt.reports.statistics.interval import Interval
from sfcmt.reports.statistics.paired import Difference, compare
from sfcmt.reports.statistics.samples import Sample
from sfcmt.tuning.ablation.stopping import Decision


@dataclass(frozen=True)
class ArmFinding:
    """One arm. What its values cannot give is None."""

    arm: str
    is_baseline: bool
    sample: Sample
    absent: tuple[int, ...]
    """Seeds that other arms have a value of."""
    mean: Estimate | None
    iqm: Estimate | None
    difference: Difference | None
    corrected: Corrected | None
    """None in factorial designs, which are judged by their effects, and where seeds were added by a rule."""
    decision: Decision | None
    """What the rule for adding seeds decided, if there was one."""

    @property
    def interval(self) -> Interval | None:
        """Of the difference: the rule's where seeds were added, since several looks make the ordinary one too short."""
        if self.decision is None:
            return self.difference.interval if self.difference else None
        rule = self.decision
        return Interval(rule.low, rule.high, rule.level, rule.method) if rule.n else None

    @property
    def is_clear(self) -> bool:
        """Whether it differs from the baseline, by the study's own test or rule."""
        return bool(self.corrected and self.corrected.is_rejected) or bool(
            self.decision and self.decision.verdict == "different"
        )


def arm_findings(results: AblationResults) -> list[ArmFinding]:
    """All arms in the order of the table."""
    spec = results.spec
    samples = samples_of(results.runs, spec.test.column)
    base = samples[results.baseline]
    seeds = {seed for sample in samples.values() for seed in sample}
    differences = {
        arm: compare(base, sample, spec.test.kind, results.level)
        for arm, sample in samples.items()
        if arm != results.baseline and set(base) & set(sample)
    }
    rule, corrected = results.checked.stopping_rule(), dict[str, Corrected]()
    if not results.is_factorial and rule is None:
        p_values = {arm: one.test.p_value for arm, one in differences.items() if one.test}
        corrected = correct(p_values, spec.test.correction, spec.test.alpha)
    return [
        ArmFinding(
            arm=arm,
            is_baseline=arm == results.baseline,
            sample=sample,
            absent=tuple(sorted(seeds - set(sample))),
            mean=mean_of(sample, results.level, is_share(spec.test.column)) if sample else None,
            iqm=iqm_of(sample, results.level) if sample else None,
            difference=differences.get(arm),
            corrected=corrected.get(arm),
            decision=rule.conclude([sample[s] - base[s] for s in differences[arm].seeds])
            if rule and arm in differences
            else None,
        )
        for arm, sample in samples.items()
    ]
