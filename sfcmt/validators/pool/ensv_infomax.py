"""The best model of a pool agrees with the pool's ensemble, and knows its own mind."""

from __future__ import annotations

from collections.abc import Sequence

from scipy.stats import rankdata

from sfcmt.outputs import Outputs
from sfcmt.validators import POOL_VALIDATORS, shaped_on
from sfcmt.validators.infomax import infomax
from sfcmt.validators.pool.ensv import ensv


@POOL_VALIDATORS.register("ensv_infomax")
@shaped_on("nyu_rgbd@300da1f2571e")
def ensv_infomax(pool: Sequence[Outputs]) -> list[float]:
    """Mean rank in the pool by EnsV and by InfoMax, as a share of the pool; in [1/|pool|, 1], in the pool's order.

        score_m = (rank_m(EnsV) + rank_m(InfoMax)) / (2 |pool|)

    Each guards against what deceives the other: a model that is like all the mediocre ones but unsure, and one that is
    sure of the wrong classes, all alone. Equal scores share their mean rank. Our own; its parts are of Hu et al., 2023,
    and Shi and Sha, ICML 2012.
    """
    by_agreement = rankdata(ensv(pool))
    by_knowledge = rankdata([infomax(outputs) for outputs in pool])
    return [float(rank) for rank in (by_agreement + by_knowledge) / (2 * len(pool))]
