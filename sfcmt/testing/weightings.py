"""What holds for every weighting of pseudo-labels."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from sfcmt.pseudo_labels.weighting import Weighting

K = 4
THRESHOLD = 0.6
BATCHES = {
    "mixed": torch.randn(16, K, generator=torch.Generator().manual_seed(0)).mul(3).softmax(1),
    "single": torch.tensor([[0.7, 0.1, 0.1, 0.1]]),
    "one-hot": torch.eye(K)[[0, 0, 1]],
    "uniform": torch.full((5, K), 1 / K),
}
_every_batch = pytest.mark.parametrize("p_BK", BATCHES.values(), ids=BATCHES)
Make = Callable[[int, float], Weighting]


class WeightingContract:
    """Tests of a weighting; a subclass has a fixture `make`, which makes one of a number of classes and a threshold."""

    @pytest.fixture
    def make(self) -> Make:
        """What makes a weighting of a number of classes and a threshold."""
        raise NotImplementedError("give the subclass a fixture `make` that returns yours")

    @_every_batch
    @pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
    def test_weights_lie_between_nought_and_one(self, make: Make, p_BK: Tensor, dtype: torch.dtype) -> None:
        """Also when averages have reached, and variances vanished at, what never changes."""
        weighting = make(K, THRESHOLD)
        for _ in range(2000):
            weights_B = weighting(p_BK.to(dtype))
        assert weights_B.shape == p_BK.shape[:1]
        assert weights_B.dtype == dtype
        assert ((weights_B >= 0) & (weights_B <= 1)).all()

    def test_weights_never_fall_with_confidence_in_a_class(self, make: Make) -> None:
        """And end at one."""
        confidence_B = torch.linspace(0.3, 1.0, 50)
        p_BK = torch.cat([confidence_B[:, None], ((1 - confidence_B) / 3)[:, None].expand(-1, 3)], dim=1)
        weights_B = _trained(make).eval()(p_BK)
        assert (weights_B.diff() >= 0).all()
        assert weights_B[-1] == 1

    def test_weights_carry_no_gradient(self, make: Make) -> None:
        """They are targets."""
        assert not make(K, THRESHOLD)(BATCHES["mixed"].clone().requires_grad_()).requires_grad

    def test_state_changes_in_training_mode_only(self, make: Make) -> None:
        """All of it, if there is any."""
        weighting = make(K, THRESHOLD)
        initial = _state(weighting)
        weighting.eval()(BATCHES["mixed"])
        assert _state(weighting) == initial
        weighting.train()(BATCHES["mixed"])
        assert all(value != initial[key] for key, value in _state(weighting).items())

    def test_state_survives_a_state_dict(self, make: Make) -> None:
        """So that a training can go on."""
        trained, restored = _trained(make), make(K, THRESHOLD)
        restored.load_state_dict(trained.state_dict())
        assert _state(restored) == _state(trained)
        assert restored(BATCHES["mixed"]).tolist() == trained(BATCHES["mixed"]).tolist()


def _trained(make: Make) -> Weighting:
    weighting = make(K, THRESHOLD)
    for _ in range(5):
        weighting(BATCHES["mixed"])
    return weighting


def _state(weighting: Weighting) -> dict[str, list[float]]:
    return {name: buffer.tolist() for name, buffer in weighting.state_dict().items()}
