"""Paired differences, by hand, and what convinces."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from sfcmt.outputs import Outputs
from sfcmt.reports.registry.errors import RegistryError
from sfcmt.reports.registry.evidence import agreement, oracle
from sfcmt.reports.registry.predictions import Predictions, predictions_of


def logits(classes: list[int], confidence: float = 5.0) -> torch.Tensor:
    """(N, 3), each row sure of a class."""
    return confidence * torch.nn.functional.one_hot(torch.tensor(classes), 3).float()


def predictions(classes: list[int], ensemble: list[int] | None = None) -> Predictions:
    return Predictions(logits(classes), logits(ensemble or classes).softmax(dim=1))


def test_the_pool_is_averaged_as_probabilities() -> None:
    def outputs(target: torch.Tensor) -> Outputs:
        return Outputs(target, *(torch.ones(1, 3) for _ in range(5)))

    sure, unsure = torch.tensor([[9.0, 0, 0]]), torch.tensor([[0, 1.0, 0]])
    found = predictions_of(outputs(sure), iter([outputs(sure), outputs(unsure), outputs(unsure)]))
    expected = np.mean(
        [np.exp([9, 0, 0]) / np.exp([9, 0, 0]).sum(), *[np.exp([0, 1, 0]) / np.exp([0, 1, 0]).sum()] * 2], 0
    )
    np.testing.assert_allclose(found.ensemble[0].numpy(), expected, rtol=1e-6)
    assert torch.equal(found.logits, sure)


def test_predictions_come_back_and_others_are_refused(tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("predictions")
    predictions([0, 1, 2], [1, 1, 1]).save(folder)
    loaded = Predictions.load(folder)
    assert torch.equal(loaded.logits, logits([0, 1, 2]))
    assert torch.equal(loaded.ensemble, logits([1, 1, 1]).softmax(dim=1))
    (folder / "predictions.safetensors").write_bytes(b"none")
    with pytest.raises(RegistryError, match=r"predictions\.safetensors"):
        Predictions.load(folder)


def test_agreement_is_with_both_pools_each_counting_half() -> None:
    # where the pools differ, the one that is sure decides: the challenger's for images 2 and 3, then the champion's
    sure, unsure = 5.0, 1.0
    ours = torch.cat([logits([0, 1, 2, 2], sure), logits([1, 1], unsure)]).softmax(dim=1)
    theirs = torch.cat([logits([0, 1, 0, 1], unsure), logits([0, 2], sure)]).softmax(dim=1)
    challenger, champion = (
        Predictions(logits([0, 1, 2, 0, 1, 1]), ours),
        Predictions(logits([0, 1, 0, 1, 0, 2]), theirs),
    )
    found = agreement(challenger, champion)  # the ensemble: 0, 1, 2, 2, 0, 2
    assert (found.challenger, found.champion, found.n) == (3 / 6, 4 / 6, 6)


def test_many_wins_convince_and_the_same_model_never_does() -> None:
    truth = [row % 3 for row in range(90)]
    worse = [label if row < 60 else (label + 1) % 3 for row, label in enumerate(truth)]
    found = agreement(predictions(truth), Predictions(logits(worse), predictions(truth).ensemble))
    assert found.interval is not None
    assert found.interval.low < 1 / 3 < found.interval.high
    # 90 images that differ in a third: the mean's standard error is sqrt(1/3 * 2/3 / 90)
    assert found.interval.high - found.interval.low == pytest.approx(2 * 1.96 * (2 / 9 / 90) ** 0.5, rel=0.15)
    assert found.convinces
    equal = agreement(predictions(worse), predictions(worse))
    assert equal.interval is not None
    assert (equal.interval.low, equal.interval.high) == (0, 0)
    assert not equal.convinces


def test_a_lead_that_may_be_chance_does_not_convince() -> None:
    truth = [0] * 40
    ours, theirs = [0] * 38 + [1] * 2, [0] * 36 + [1] * 4
    ours[:3], theirs[37:] = [1, 1, 1], [0, 0, 0]
    found = agreement(
        Predictions(logits(ours), predictions(truth).ensemble), Predictions(logits(theirs), predictions(truth).ensemble)
    )
    assert not found.convinces


def test_the_oracle_weighs_classes_equally() -> None:
    labels_N = torch.tensor([0] * 8 + [2] * 2)  # no image of class 1
    champion, challenger = predictions([0] * 10), predictions([1, 1] + [0] * 6 + [2] * 2)
    found = oracle(challenger, champion, labels_N)
    # champion: (8/8 + 0/2) / 2; challenger: (6/8 + 2/2) / 2
    assert (found.score, found.champion, found.challenger) == ("oracle_balanced_accuracy", 0.5, 0.875)
    assert found.interval is not None
    middle = (found.interval.low + found.interval.high) / 2
    assert middle == pytest.approx(0.375, abs=0.1)
    assert "oracle_balanced_accuracy 87.5 against 50.0 %" in str(found)


def test_a_class_of_one_image_gives_no_interval() -> None:
    found = oracle(predictions([0, 0, 2]), predictions([1, 1, 1]), torch.tensor([0, 0, 2]))
    assert found.challenger == 1
    assert found.interval is None
    assert not found.convinces
    assert "no interval" in str(found)
