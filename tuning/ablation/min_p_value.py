"""What a test over few seeds can reach at best: a spec that no result could satisfy is refused before it runs."""

from __future__ import annotations

from typing import Literal

TestKind = Literal["paired_t", "paired_bootstrap", "paired_permutation", "wilcoxon"]
BOOTSTRAPS = 9999
"""Resamples of the bootstrap test, and signs that are drawn where there are more: scipy's default."""


def min_p_value(kind: TestKind, n: int) -> float:
    """The smallest two-sided p-value that `n` pairs can give.

    Tests by signs have 2^n equally likely outcomes, of which two are extreme: 1/16 with 5 pairs, which never reaches
    0.05; 1/32 with 6, 1/512 with 10; from 14 on the permutation test draws some, of which two tails count. The
    bootstrap test is bounded by its resamples, and by those n of n^n that are a single pair n times, since they have no
    error: 1/2 with 2 pairs, 1/9 with 3, 1/64 with 4, if drawn as often as is expected. The t-test has no bound.
    """
    if kind == "paired_t":
        return 0.0
    if kind == "paired_bootstrap":
        return max(float(n) ** (1 - n), 1 / (BOOTSTRAPS + 1))
    return max(2.0 ** (1 - n), 2 / (BOOTSTRAPS + 1) if kind == "paired_permutation" else 0.0)
