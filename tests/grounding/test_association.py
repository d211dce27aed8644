"""The association with the pairs, against its definition and all permutations."""

from __future__ import annotations

from dataclasses import replace
from itertools import permutations

import numpy as np
import pytest

from sfcmt.grounding.association import association, difference
from sfcmt.grounding.evidence import PairEvidence
from tests.grounding.worlds import CLASSES, world


def test_it_is_the_sum_of_the_covariances_over_the_deviation_under_all_permutations() -> None:
    generator = np.random.default_rng(0)
    small = replace(
        world().evidence,
        rows_n=np.array([3, 0, 5, 1]),
        nearest_nk=np.array([[0, 1], [2, 3], [0, 4], [5, 2]]),
        probabilities_MK=generator.dirichlet(np.ones(CLASSES), 6),
    )
    predicted_N = np.array([1, 2, 0, 3, 0, 2])

    def covariances(probabilities_MK: np.ndarray) -> float:
        weak_nK = probabilities_MK[small.nearest_nk].mean(axis=1)
        said_nK = np.eye(CLASSES)[predicted_N[small.rows_n]]
        return float(sum(np.cov(said_nK[:, place], weak_nK[:, place], ddof=0)[0, 1] for place in range(CLASSES)))

    every = [covariances(small.probabilities_MK[list(order)]) for order in permutations(range(6))]
    assert np.mean(every) == pytest.approx(0, abs=1e-12)
    found = association(small, predicted_N)
    assert found.value == pytest.approx(
        covariances(small.probabilities_MK) / (np.std(every) * np.sqrt((6 - 1) * (CLASSES - 1)))
    )
    assert found.parts_nk.sum() == pytest.approx(found.value)


def test_it_grows_with_recall() -> None:
    known = world()
    values = [
        association(known.evidence, known.model(recall).target_logits.argmax(dim=1).numpy()).value
        for recall in (0.25, 0.4, 0.6, 0.8, 1.0)
    ]
    assert values == sorted(values)
    assert abs(values[0]) < 0.06
    assert 0.3 < values[-1] < 1


def test_it_is_one_for_what_the_pairs_say_themselves() -> None:
    every = np.arange(12)
    told = PairEvidence(every, every[:, None], np.eye(CLASSES)[every % CLASSES], every, every)
    assert association(told, every % CLASSES).value == pytest.approx(1)


def test_a_model_or_a_source_model_that_names_one_class_has_none() -> None:
    known = world()
    assert association(known.evidence, np.full(600, 2)).value == 0
    blind = replace(known.evidence, probabilities_MK=np.full((240, CLASSES), 1 / CLASSES))
    assert association(blind, known.labels_N).value == 0


def test_the_error_of_a_difference_is_its_deviation_over_worlds() -> None:
    found = []
    for seed in range(120):
        known = world(seed, images=200, frames=30)
        pair = [association(known.evidence, known.model(r).target_logits.argmax(dim=1).numpy()) for r in (0.7, 0.5)]
        found.append(difference(known.evidence, *pair))
    deviation = np.std([one.value for one in found])
    assert 0.8 < np.median([one.error for one in found]) / deviation < 1.35
    mean = np.mean([one.value for one in found])
    covered = np.mean([one.interval()[0] <= mean <= one.interval()[1] for one in found])
    assert covered >= 0.9


def test_images_of_one_frame_are_one_witness() -> None:
    known = world()
    first, second = (
        association(known.evidence, known.model(recall).target_logits.argmax(dim=1).numpy()) for recall in (0.7, 0.5)
    )
    apart = difference(known.evidence, first, second)
    doubled = replace(
        known.evidence,
        rows_n=np.tile(known.evidence.rows_n, 2),
        nearest_nk=np.tile(known.evidence.nearest_nk, (2, 1)),
        target_frames_n=np.tile(known.evidence.target_frames_n, 2),
    )
    again = [association(doubled, known_N) for known_N in (np.arange(600) % CLASSES, known.labels_N)]
    before = [association(known.evidence, known_N) for known_N in (np.arange(600) % CLASSES, known.labels_N)]
    assert difference(doubled, *again).error == pytest.approx(difference(known.evidence, *before).error)
    assert apart.degrees == 59
    single = replace(known.evidence, pair_frames_M=np.zeros(240, dtype=np.int64))
    assert difference(single, first, second).error == np.inf  # one frame says nothing of others
