from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from sfcmt.testing.outputs import outputs
from sfcmt.validators.pair_cosine import pair_cosine


def test_by_hand() -> None:
    source_MD = torch.tensor([[1.0, 0.0], [0.0, 2.0], [3.0, 0.0], [1.0, 0.0]])
    target_MD = torch.tensor([[5.0, 0.0], [1.0, 0.0], [-1.0, 0.0], [3.0, 4.0]])  # cosines 1, 0, -1, 0.6
    model = replace(outputs(torch.zeros(4, 2), pair_features_MD=target_MD), pair_source_features=source_MD)
    assert pair_cosine(model) == pytest.approx(0.15)


def test_features_of_no_length_have_no_direction() -> None:
    assert pair_cosine(outputs(torch.zeros(3, 2), pair_features_MD=torch.zeros(3, 4))) == 0
