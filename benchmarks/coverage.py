"""How often the statistics of the reports are right, over simulated studies with few seeds.

    python -m benchmarks.coverage [--studies 4000]

Each row is a share of studies: intervals that hold the truth, effects with the right sign, null hypotheses that were
rejected though true. The noise is normal, skewed (exponential, in every arm), or skewed in one arm alone, which makes
the paired differences skewed too: runs that collapse now and then look like this. About two minutes on a CPU core.
"""

from __future__ import annotations

import argparse
import gc
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table
from scipy import stats

from sfcmt.reports.statistics.correction import Correction, correct
from sfcmt.reports.statistics.factorial import factorial_effects
from sfcmt.reports.statistics.intervals import bootstrap_limits, iqm, mean
from sfcmt.reports.statistics.paired_tests import PAIRED_TESTS
from sfcmt.tuning.ablation.fractions import Fraction
from sfcmt.tuning.ablation.stopping import StoppingRule, Verdict, planned_looks
from sfcmt.tuning.ablation.student import t_limits

Array = NDArray[np.float64]
Noise = Callable[[np.random.Generator, tuple[int, ...]], Array]
ALPHA = 0.05
RESAMPLES = 1999
NOISES: dict[str, Noise] = {
    "normal": lambda generator, size: generator.standard_normal(size),
    "skewed": lambda generator, size: generator.exponential(size=size) - 1,
}
_IQM_OF_NOISE = {"normal": 0.0, "skewed": -0.2616}  # of the exponential: mean between its quartiles, less 1
EFFECTS = (-1.0, 0.5, 1.0, 2.0)
"""Planted differences from the baseline, in standard deviations of one arm."""


@dataclass(frozen=True)
class Row:
    """A share of studies."""

    what: str
    noise: str
    n: int
    share: float
    studies: int
    note: str = ""


def main() -> None:
    """Simulate and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--studies", type=int, default=4000)
    studies = parser.parse_args().studies
    console = Console(width=140)
    sections: dict[str, Iterator[Row]] = {
        "95 % intervals of one arm that hold the truth": intervals(studies),
        "Paired differences with planted effects": planted_effects(studies),
        "True null hypotheses rejected at 0.05": false_positives(studies // 2),
        "Families: studies with a false rejection, or share of false rejections": families(studies // 2),
        "Adding seeds": sequential(studies // 2),
        "Factorial effects whose 95 % interval holds the truth": factorial(studies // 20),
    }
    for title, rows in sections.items():
        table = Table("what", "noise", "n", "share %", "studies", "note", title=title, title_justify="left")
        for row in rows:
            table.add_row(row.what, row.noise, str(row.n), f"{100 * row.share:.1f}", str(row.studies), row.note)
        console.print(table)


def intervals(studies: int) -> Iterator[Row]:
    """Coverage of the intervals in use, and of the common ones that are not."""
    for noise, draw in NOISES.items():
        for n in (5, 10):
            values = draw(np.random.default_rng(n), (studies, n))
            typical = _IQM_OF_NOISE[noise]
            strata = tuple(draw(np.random.default_rng([n, place]), (studies, n)) for place in range(3))
            candidates = {
                "mean, t": (t_limits(values, 1 - ALPHA), 0.0),
                "mean, percentile bootstrap (not used)": (_plain_bootstrap(values, mean, "percentile"), 0.0),
                "mean, BCa bootstrap (not used)": (_plain_bootstrap(values, mean, "BCa"), 0.0),
                "IQM, expanded bootstrap": (bootstrap_limits((values,), iqm, resamples=RESAMPLES), typical),
                "IQM, percentile bootstrap (not used)": (_plain_bootstrap(values, iqm, "percentile"), typical),
                "mean over 3 data sets, expanded": (bootstrap_limits(strata, mean, resamples=RESAMPLES), 0.0),
                "IQM over 3 data sets, expanded": (bootstrap_limits(strata, iqm, resamples=RESAMPLES), typical),
            }
            for what, ((low, high), truth) in candidates.items():
                yield Row(what, noise, n, _share((low <= truth) & (truth <= high)), studies)


def planted_effects(studies: int) -> Iterator[Row]:
    """Coverage, recovered signs, and significant effects of the wrong sign, over arms with planted effects."""
    for noise in (*NOISES, "skewed in one arm"):
        for n in (5, 10):
            truth = np.array(EFFECTS)[:, None]
            differences = _differences(noise, len(EFFECTS) * studies, n).reshape(len(EFFECTS), studies, n)
            low, high = t_limits(differences + truth[..., None], 1 - ALPHA)
            signs = np.sign((low + high) / 2) == np.sign(truth)
            wrong = ((low > 0) & (truth < 0)) | ((high < 0) & (truth > 0))
            found = (
                f"sign by effect: {', '.join(f'{e:g}: {_share(s):.1%}' for e, s in zip(EFFECTS, signs, strict=True))}"
            )
            yield Row("interval holds the effect", noise, n, _share((low <= truth) & (truth <= high)), studies)
            yield Row("sign recovered", noise, n, _share(signs), studies, found)
            yield Row("significant with the wrong sign", noise, n, _share(wrong), studies)


def false_positives(studies: int) -> Iterator[Row]:
    """How often each test rejects equal arms."""
    for noise in (*NOISES, "skewed in one arm"):
        for n in (5, 10):
            differences = _differences(noise, studies, n)
            for kind, test in PAIRED_TESTS.items():
                used = differences[: studies // 4] if kind == "paired_bootstrap" else differences
                yield Row(kind, noise, n, _share(test(used) <= ALPHA), len(used))


def families(studies: int) -> Iterator[Row]:
    """Errors over arms that share a baseline: 5 without effect, and 10 of which half have one of 2."""
    gc.freeze()  # Holm's procedure in statsmodels collects garbage at every call: let there be little
    generator = np.random.default_rng(0)
    corrections: tuple[Correction, ...] = ("none", "holm", "benjamini_hochberg")
    for noise, draw in NOISES.items():
        for n in (5, 10):
            null = _p_values(draw(generator, (studies, 6, n)), np.zeros(5))
            half = _p_values(draw(generator, (studies, 11, n)), np.repeat([0.0, 2.0], 5))
            for correction in corrections:
                any_false = [_rejected(family, correction).any() for family in null]
                yield Row(f"any false of 5 arms, {correction}", noise, n, float(np.mean(any_false)), studies)
            for correction in corrections:
                rejected = np.array([_rejected(family, correction) for family in half])
                false = rejected[:, :5].sum(axis=1) / np.maximum(rejected.sum(axis=1), 1)
                power = f"finds {rejected[:, 5:].mean():.0%} of the effects"
                yield Row(f"share of false, 10 arms, {correction}", noise, n, float(false.mean()), studies, power)


def sequential(studies: int) -> Iterator[Row]:
    """The stopping rule with looks at 5, 12 and 20 seeds, against looking without a rule."""
    looks = planned_looks(5, 20, 3)
    rule = StoppingRule(looks, ALPHA, margin=0.5)
    careless = StoppingRule(looks, ALPHA * len(looks))
    for noise in (*NOISES, "skewed in one arm"):
        none = _differences(noise, studies, looks[-1])
        yield _verdicts("no effect, called different", noise, none, rule, "different")
        yield _verdicts("the same, each look at 0.05 (not used)", noise, none, careless, "different")
        yield _verdicts("effect at the margin, called equivalent", noise, 0.3 * none + 0.5, rule, "equivalent")
        yield _verdicts("no effect, called equivalent (power)", noise, 0.3 * none, rule, "equivalent")
        yield _verdicts("effect of 1, called different (power)", noise, none + 1, rule, "different")
        yield _verdicts("effect of 3, called different (power)", noise, none + 3, rule, "different")


def factorial(studies: int) -> Iterator[Row]:
    """Coverage of main effects and interactions in half of a 2^5 design."""
    fraction = Fraction.find(5, "V")
    assert fraction is not None
    signs = 2 * np.array(fraction.runs(), dtype=np.int64) - 1
    truth = {"a": 2.0, "b": -1.0, "a:b": 0.5}
    planted = signs[:, 0] * 1.0 - signs[:, 1] * 0.5 + signs[:, 0] * signs[:, 1] * 0.25
    for noise, draw in NOISES.items():
        for n in (5, 10):
            generator = np.random.default_rng(n)
            hits: list[bool] = []
            for _ in range(studies):
                values = planted[:, None] + generator.standard_normal(n) + draw(generator, (len(signs), n))
                effects = factorial_effects("abcde", signs, values, range(n)).effects
                hits += [truth.get(effect.name, 0.0) in effect.interval for effect in effects]
            yield Row("15 effects of 16 arms", noise, n, float(np.mean(hits)), studies)


def _differences(noise: str, studies: int, n: int) -> Array:
    """Paired differences of two arms without effect; what a seed does to both cancels out."""
    generator = np.random.default_rng(n)
    one_sided = noise not in NOISES
    draw = NOISES["skewed" if one_sided else noise]
    baseline = 0.2 * generator.standard_normal((studies, n)) if one_sided else draw(generator, (studies, n))
    return draw(generator, (studies, n)) - baseline


def _plain_bootstrap(values: Array, statistic: Callable[..., Array], method: str) -> tuple[Array, Array]:
    limits = stats.bootstrap(
        (values,), statistic, n_resamples=RESAMPLES // 2, batch=100, method=method, vectorized=True, axis=-1, rng=0
    ).confidence_interval
    return limits.low, limits.high


def _p_values(values: Array, effects: Array) -> Array:
    """t-tests of arms 1, 2... against arm 0, of values (studies, arms, n)."""
    p_values: Array = PAIRED_TESTS["paired_t"](values[:, 1:] + effects[:, None] - values[:, :1])
    return p_values


def _rejected(p_values: Array, correction: Correction) -> NDArray[np.bool_]:
    corrected = correct({str(place): float(p) for place, p in enumerate(p_values)}, correction, ALPHA)
    return np.array([one.is_rejected for one in corrected.values()])


def _verdicts(what: str, noise: str, differences: Array, rule: StoppingRule, verdict: Verdict) -> Row:
    decisions = [rule.decide(row) for row in differences.tolist()]
    seeds = np.mean([decision.n for decision in decisions])
    share = float(np.mean([decision.verdict == verdict for decision in decisions]))
    return Row(what, noise, rule.looks[-1], share, len(decisions), f"{seeds:.1f} seeds used on average")


def _share(hits: NDArray[np.bool_]) -> float:
    return float(hits.mean())


if __name__ == "__main__":
    main()
