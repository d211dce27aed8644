"""How large a paired difference is, in units that do not depend on the metric."""

from __future__ import annotations

import numpy as np
from scipy import stats
from scipy.special import gammaln

from sfcmt.reports.statistics.samples import Array, is_constant


def corrected_d(differences: Array) -> float | None:
    """Mean over standard deviation of differences (n,), without the bias of few of them; None if they do not vary.

    d_z J(n - 1) with J(m) = Gamma(m / 2) / (sqrt(m / 2) Gamma((m - 1) / 2)) (Hedges 1981): 0.80 for 5
    pairs, 0.91 for 10. Two pairs have no correction and give None.
    """
    m = len(differences) - 1
    if m < 2 or is_constant(differences):
        return None
    correction = np.exp(gammaln(m / 2) - gammaln((m - 1) / 2)) / np.sqrt(m / 2)
    return float(differences.mean() / differences.std(ddof=1) * correction)


def rank_biserial(differences: Array) -> float:
    """Matched-pairs rank-biserial correlation, in [-1, 1]: share of the ranks for, minus share against (Kerby 2014)."""
    other = differences[differences != 0]
    if not len(other):
        return 0.0
    ranks = stats.rankdata(np.abs(other))
    return float((ranks * np.sign(other)).sum() / ranks.sum())
