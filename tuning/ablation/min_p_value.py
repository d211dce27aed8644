"""What a test over few seeds can reach at best: a spec that no result could satisfy is refused before it runs."""

from __future__ import annotations

from typing import Literal

TestKind = Literal["paired_t", "paired_bootstrap", "paired_permutation", "wilcoxon"]
BOOTSTRAPS = 9999
"""Resamples of the bootstrap test."""


def min_p_value(kind: TestKind, n: int) -> float:
    """The smallest two-sided p-value that `n` pairs can give.

    Tests by signs have 2^n equally likely outcomes, of which two are extreme: 1/16 with 5 pairs, which never reaches
    0.05; 1/32 with 6, 1/512 with 10. The bootstrap test is bounded by its resamples, the t-test not at all.
    """
    if kind == "paired_t":
        return 0.0
    return 1 / (BOOTSTRAPS + 1) if kind == "paired_bootstrap" else 2.0 ** (1 - n)
