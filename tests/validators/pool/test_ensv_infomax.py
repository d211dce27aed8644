from __future__ import annotations

from sfcmt.testing.outputs import random
from sfcmt.validators.infomax import infomax
from sfcmt.validators.pool.ensv import ensv
from sfcmt.validators.pool.ensv_infomax import ensv_infomax


def test_by_hand() -> None:
    pool = [random(30, 4, seed) for seed in range(4)]
    agreement, knowledge = ensv(pool), [infomax(model) for model in pool]
    ranks = [[1 + sum(other < one for other in scores) for one in scores] for scores in (agreement, knowledge)]
    assert len(set(agreement)) == len(set(knowledge)) == len(pool)
    assert ensv_infomax(pool) == [(first + second) / 8 for first, second in zip(*ranks, strict=True)]


def test_equal_models_share_their_rank() -> None:
    model = random(9, 3)
    assert ensv_infomax([model, model, model]) == [2 / 3] * 3
