"""What holds for every weighting."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from sfcmt.pseudo_labels.weighting import Weighting
from sfcmt.pseudo_labels.weightings import WEIGHTINGS

K = 4
THRESHOLD = 0.6
BATCHES = {
    "mixed": torch.randn(16, K, generator=torch.Generator().manual_seed(0)).mul(3).softmax(1),
    "single": torch.tensor([[0.7, 0.1, 0.1, 0.1]]),
    "one-hot": torch.eye(K)[[0, 0, 1]],
    "uniform": torch.full((5, K), 1 / K),
}
every_weighting = pytest.mark.parametrize("name", WEIGHTINGS)
every_batch = pytest.mark.parametrize("p_BK", BATCHES.values(), ids=BATCHES)


def _trained(name: str) -> Weighting:
    weighting = WEIGHTINGS[name](K, THRESHOLD)
    for _ in range(5):
        weighting(BATCHES["mixed"])
    return weighting


def _state(weighting: Weighting) -> dict[str, list[float]]:
    return {name: buffer.tolist() for name, buffer in weighting.state_dict().items()}


def test_all_weightings_are_registered() -> None:
    assert set(WEIGHTINGS) == {"threshold", "softmatch", "freematch"}


@every_weighting
@every_batch
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_weights_lie_between_nought_and_one(name: str, p_BK: Tensor, dtype: torch.dtype) -> None:
    weighting = WEIGHTINGS[name](K, THRESHOLD)
    for _ in range(2000):  # long enough for averages to reach, and variances to vanish at, what never changes
        weights_B = weighting(p_BK.to(dtype))
    assert weights_B.shape == p_BK.shape[:1]
    assert weights_B.dtype == dtype
    assert ((weights_B >= 0) & (weights_B <= 1)).all()


@every_weighting
def test_weights_never_fall_with_confidence_in_a_class(name: str) -> None:
    confidence_B = torch.linspace(0.3, 1.0, 50)
    p_BK = torch.cat([confidence_B[:, None], ((1 - confidence_B) / 3)[:, None].expand(-1, 3)], dim=1)
    weights_B = _trained(name).eval()(p_BK)
    assert (weights_B.diff() >= 0).all()
    assert weights_B[-1] == 1


@every_weighting
def test_weights_carry_no_gradient(name: str) -> None:
    assert not WEIGHTINGS[name](K, THRESHOLD)(BATCHES["mixed"].clone().requires_grad_()).requires_grad


@every_weighting
def test_state_changes_in_training_mode_only(name: str) -> None:
    weighting = WEIGHTINGS[name](K, THRESHOLD)
    initial = _state(weighting)
    weighting.eval()(BATCHES["mixed"])
    assert _state(weighting) == initial
    weighting.train()(BATCHES["mixed"])
    assert all(value != initial[key] for key, value in _state(weighting).items())


@every_weighting
def test_state_survives_a_state_dict(name: str) -> None:
    trained, restored = _trained(name), WEIGHTINGS[name](K, THRESHOLD)
    restored.load_state_dict(trained.state_dict())
    assert _state(restored) == _state(trained)
    assert restored(BATCHES["mixed"]).tolist() == trained(BATCHES["mixed"]).tolist()
