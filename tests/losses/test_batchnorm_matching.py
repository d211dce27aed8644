from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from sfcmt.losses.batchnorm_matching import BatchNormStatistics, Moments, batchnorm_matching, running_statistics


def _model() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(1, 3, 2), nn.BatchNorm2d(3), nn.ReLU(inplace=True), nn.Flatten(), nn.Linear(27, 2), nn.BatchNorm1d(2)
    ).eval()


def test_sum_of_norms_by_hand() -> None:
    batch = {
        "a": Moments(torch.tensor([3.0, 4.0]), torch.tensor([1.0, 1.0])),
        "b": Moments(torch.tensor([1.0]), torch.tensor([0.5])),
    }
    source = {
        "a": Moments(torch.zeros(2), torch.ones(2)),
        "b": Moments(torch.tensor([3.0]), torch.tensor([2.0])),
        "not reached": Moments(torch.tensor([9.0]), torch.tensor([9.0])),
    }
    assert batchnorm_matching(batch, source).item() == 5 + 0 + 2 + 1.5


def test_notes_each_layers_input_by_channel() -> None:
    model = _model()
    images_BCHW = torch.randn(5, 1, 4, 4)
    with BatchNormStatistics(model) as statistics, torch.no_grad():
        model(images_BCHW)
        inputs = {"1": model[:1](images_BCHW).numpy(), "5": model[:5](images_BCHW).numpy()}
    assert set(statistics.batch) == set(inputs) == set(running_statistics(model))
    for name, axes in {"1": (0, 2, 3), "5": (0,)}.items():
        values = inputs[name].astype(np.float64)
        np.testing.assert_allclose(statistics.batch[name].mean, values.mean(axes), rtol=1e-4, atol=1e-6)
        np.testing.assert_allclose(statistics.batch[name].variance, values.var(axes), rtol=1e-4, atol=1e-6)


def test_is_nought_and_has_a_finite_gradient_where_the_source_statistics_are_the_batchs_own() -> None:
    model = _model()
    images_BCHW = torch.randn(5, 1, 4, 4, requires_grad=True)
    with BatchNormStatistics(model) as statistics:
        model(images_BCHW)
    own = {name: Moments(*(x.detach() for x in moments)) for name, moments in statistics.batch.items()}
    value = batchnorm_matching(statistics.batch, own)
    value.backward()  # type: ignore[no-untyped-call]
    assert value.item() == 0
    assert images_BCHW.grad is not None
    assert images_BCHW.grad.isfinite().all()


def test_descending_the_loss_moves_the_images_towards_the_source() -> None:
    model = _model()
    images_BCHW = torch.randn(8, 1, 4, 4, requires_grad=True)
    values = []
    for _ in range(2):
        with BatchNormStatistics(model) as statistics:
            model(images_BCHW)
        value = batchnorm_matching(statistics.batch, running_statistics(model))
        (gradient,) = torch.autograd.grad(value, images_BCHW)
        images_BCHW = (images_BCHW - 0.01 * gradient).detach().requires_grad_()
        values.append(value.item())
    assert values[1] < values[0]


def test_running_statistics_are_copies() -> None:
    model = _model().train()
    before = running_statistics(model)
    model(torch.randn(5, 1, 4, 4))
    after = running_statistics(model)
    assert before["1"].mean.tolist() == [0, 0, 0]
    assert before["1"].variance.tolist() == [1, 1, 1]
    assert after["1"].mean.tolist() != [0, 0, 0]


def test_variance_does_not_overflow_in_half_precision() -> None:
    layer = nn.BatchNorm1d(1).eval().half()
    with BatchNormStatistics(layer) as statistics:
        layer(torch.tensor([[-400.0], [400.0]], dtype=torch.float16))
    assert statistics.batch[""].variance.item() == 160_000


def test_hooks_are_gone_after_an_error() -> None:
    model = _model()
    statistics = BatchNormStatistics(model)
    with pytest.raises(RuntimeError, match="shapes"), statistics:
        model(torch.randn(5, 1, 5, 5))  # the linear layer expects 27 features
    before = statistics.batch["1"].mean
    model(torch.randn(5, 1, 4, 4))
    assert torch.equal(statistics.batch["1"].mean, before)
    assert not any(layer._forward_pre_hooks for layer in model)
