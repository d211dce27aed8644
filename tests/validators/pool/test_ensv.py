from __future__ import annotations

import torch

from sfcmt.testing.outputs import outputs, random
from sfcmt.validators.pool.ensv import ensv


def test_probabilities_are_averaged_not_votes_nor_logits() -> None:
    sure = torch.tensor([[0.98, 0.02], [0.9, 0.1]]).log()
    unsure = torch.tensor([[0.4, 0.6], [0.4, 0.6]]).log()
    absurd = torch.tensor([[0.4, 0.6], [1e-9, 1.0]]).log()
    # Means of class 0: 0.593 (two votes against it), 0.433 and so class 1.
    assert ensv([outputs(sure), outputs(unsure), outputs(absurd)]) == [0.5, 0.5, 0.5]
    # Mean of class 0 in the second row: 0.6, though its mean logit is far below that of class 1.
    assert ensv([outputs(sure), outputs(sure), outputs(absurd)]) == [1.0, 1.0, 0.0]


def test_against_a_slow_loop() -> None:
    pool = [random(20, 4, seed) for seed in range(5)]
    probabilities = [model.target_logits.double().softmax(1).tolist() for model in pool]
    hits = [0] * 5
    for image in range(20):
        means = [sum(p[image][k] for p in probabilities) / 5 for k in range(4)]
        for model, p in enumerate(probabilities):
            hits[model] += p[image].index(max(p[image])) == means.index(max(means))
    assert ensv(pool) == [hit / 20 for hit in hits]


def test_a_pool_of_one_agrees_with_itself() -> None:
    assert ensv([random(7, 3)]) == [1.0]
