"""Folds are of whole frames, and of about as many of each class."""

from __future__ import annotations

from itertools import pairwise

from sfcmt.evaluation.folds import FOLDS, folds_of


def test_frames_are_dealt_evenly_and_in_no_order_of_their_own() -> None:
    groups = [f"frame {number % 20}" for number in range(60)]
    labels = [int(group.split()[1]) % 2 for group in groups]
    fold_N = folds_of(groups, labels)
    fold_of = dict(zip(groups, fold_N.tolist(), strict=True))
    assert all(fold_of[group] == fold for group, fold in zip(groups, fold_N.tolist(), strict=True))
    assert sorted(list(fold_of.values()).count(fold) for fold in range(FOLDS)) == [6, 7, 7]
    assert folds_of(groups[::-1], labels[::-1]).tolist() == fold_N.tolist()[::-1]
    assert len({second - first for first, second in pairwise(fold_N.tolist())}) > 2


def test_each_class_is_in_each_fold_as_often() -> None:
    labels = [0] * 30 + [label for label in range(1, 21) for _ in range(3)]  # one of many frames, twenty of three
    fold_N = folds_of([f"frame {row}" for row in range(len(labels))], labels).tolist()
    for label in set(labels):
        own = [fold for fold, other in zip(fold_N, labels, strict=True) if other == label]
        assert {own.count(fold) for fold in range(FOLDS)} == {len(own) // FOLDS}


def test_a_frame_of_several_classes_counts_with_the_rarest() -> None:
    groups, labels = zip(*[(f"frame {row}", label) for row in range(12) for label in {0, 1 + row // 3}], strict=True)
    fold_N = folds_of(groups, labels).tolist()
    for label in range(1, 5):
        assert sorted(fold for fold, own in zip(fold_N, labels, strict=True) if own == label) == [0, 1, 2]
