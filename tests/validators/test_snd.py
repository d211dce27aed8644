from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from scipy.special import softmax
from scipy.stats import entropy

from sfcmt.testing.outputs import collapsed, perfect, random, uniform
from sfcmt.validators.snd import snd


@pytest.mark.parametrize("images", [2, 40, 1100])  # 1100: more than the rows at once, and no multiple of them
def test_against_numpy(images: int) -> None:
    model = random(images, 5)
    p = softmax(model.target_logits.numpy().astype(np.float64), axis=1)
    v = p / np.linalg.norm(p, axis=1, keepdims=True)
    similarities = (v @ v.T)[~np.eye(images, dtype=bool)].reshape(images, images - 1) / 0.05
    assert snd(model) == pytest.approx(entropy(softmax(similarities, axis=1), axis=1).mean())


def test_of_very_many_images_the_first_count(monkeypatch: pytest.MonkeyPatch) -> None:
    model = random(40, 5)
    whole = snd(model)
    monkeypatch.setattr("sfcmt.validators.snd.MOST", 25)
    logits = model.target_logits
    assert snd(model) == snd(replace(model, target_logits=logits[:25])) != whole


def test_extremes() -> None:
    assert snd(perfect(12, 4)) == pytest.approx(math.log(2), rel=1e-5)  # two others of the same class
    assert snd(collapsed(12, 4)) == pytest.approx(math.log(11))
    assert snd(uniform(12, 4)) == pytest.approx(math.log(11))
    assert snd(random(1, 4)) == 0
