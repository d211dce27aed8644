from __future__ import annotations

import math

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.special import softmax
from scipy.stats import entropy

from sfcmt.outputs import Outputs
from sfcmt.testing.outputs import collapsed, perfect, random, uniform
from sfcmt.validators.snd import snd


def entropies(model: Outputs) -> NDArray[np.float64]:
    """Of each image's similarities to all others."""
    p = softmax(model.target_logits.numpy().astype(np.float64), axis=1)
    v, images = p / np.linalg.norm(p, axis=1, keepdims=True), len(p)
    similarities = (v @ v.T)[~np.eye(images, dtype=bool)].reshape(images, images - 1) / 0.05
    found: NDArray[np.float64] = entropy(softmax(similarities, axis=1), axis=1)
    return found


@pytest.mark.parametrize("images", [2, 40, 1100])
def test_against_numpy(monkeypatch: pytest.MonkeyPatch, images: int) -> None:
    monkeypatch.setattr("sfcmt.validators.snd._CELLS", 2**18)  # 238 rows of 1100 at once
    model = random(images, 5)
    assert snd(model) == pytest.approx(entropies(model).mean())


def test_of_very_many_images_the_first_are_judged_among_all_within_the_stated_error(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("sfcmt.validators.snd.MOST", 300)
    model = random(1100, 5)
    exact = entropies(model)
    assert snd(model) == pytest.approx(exact[:300].mean())
    assert abs(snd(model) - exact.mean()) < 3 * exact.std() / 300**0.5


def test_extremes() -> None:
    assert snd(perfect(12, 4)) == pytest.approx(math.log(2), rel=1e-5)  # two others of the same class
    assert snd(collapsed(12, 4)) == pytest.approx(math.log(11))
    assert snd(uniform(12, 4)) == pytest.approx(math.log(11))
    assert snd(random(1, 4)) == 0
