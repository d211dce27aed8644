"""What holds for every loss."""

from __future__ import annotations

import pkgutil
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import pytest
import torch
from torch import Tensor, nn

import sfcmt.losses
from sfcmt.losses.attracting_dispersing import attracting_dispersing
from sfcmt.losses.batchnorm_matching import BatchNormStatistics, batchnorm_matching, running_statistics
from sfcmt.losses.distillation import distillation
from sfcmt.losses.domain_adversarial import domain_adversarial
from sfcmt.losses.feature_matching import feature_matching
from sfcmt.losses.information_maximisation import information_maximisation
from sfcmt.losses.reconstruction import reconstruction
from sfcmt.losses.relational import relational
from sfcmt.losses.self_training import self_training

B, M, K, D = 5, 2, 4, 3
DEVICES = ["cpu", *(["cuda"] if torch.cuda.is_available() else [])]


@dataclass(frozen=True)
class Example:
    """A loss of tensors whose rows are the batch."""

    loss: Callable[..., Tensor]
    inputs: tuple[Tensor, ...]
    same_when_duplicated: bool = True
    """False where the definition relates the rows of a batch to each other."""

    def __call__(self, first: Tensor | None = None, rows: Tensor | None = None) -> Tensor:
        inputs = (self.inputs[0] if first is None else first, *self.inputs[1:])
        return self.loss(*(inputs if rows is None else (tensor[rows] for tensor in inputs)))


def _batchnorm_matching(x_BC: Tensor) -> Tensor:
    module = nn.Sequential(nn.BatchNorm1d(x_BC.shape[1])).to(x_BC).eval()
    with BatchNormStatistics(module) as statistics:
        module(x_BC)
    return batchnorm_matching(statistics.batch, running_statistics(module))


def _examples() -> dict[str, Example]:
    generator = torch.Generator().manual_seed(0)
    normal = partial(torch.randn, generator=generator, dtype=torch.float64)
    labels_B = torch.arange(B) % K
    return {
        "reconstruction": Example(reconstruction, (normal(B, 3, 2, 2), normal(B, 3, 2, 2))),
        "domain_adversarial": Example(domain_adversarial, (normal(B), labels_B % 2 == 0)),
        "information_maximisation": Example(information_maximisation, (normal(B, K),)),
        "distillation": Example(partial(distillation, temperature=2.0), (normal(B, K), normal(B, K).softmax(1))),
        "feature_matching": Example(feature_matching, (normal(B, D), normal(B, D))),
        "self_training": Example(self_training, (normal(B, K), labels_B, normal(B).sigmoid())),
        "batchnorm_matching": Example(_batchnorm_matching, (normal(B, D),)),
        "relational": Example(relational, (normal(B, D), normal(B, D + 1)), same_when_duplicated=False),
        "attracting_dispersing": Example(
            partial(attracting_dispersing, dispersion=0.7),
            (normal(B, K).softmax(1), normal(B, M, K).softmax(2)),
            same_when_duplicated=False,
        ),
    }


EXAMPLES = _examples()
every_loss = pytest.mark.parametrize("example", EXAMPLES.values(), ids=EXAMPLES)


def test_every_loss_has_an_example() -> None:
    losses = {module.name for module in pkgutil.iter_modules(sfcmt.losses.__path__)}
    assert losses == set(EXAMPLES), f"give _examples() one of: {sorted(losses - set(EXAMPLES))}"


@every_loss
@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_is_a_finite_scalar_of_its_inputs_kind(example: Example, dtype: torch.dtype, device: str) -> None:
    kind = [tensor.to(device, dtype if tensor.is_floating_point() else None) for tensor in example.inputs]
    value = example.loss(*kind)
    assert value.shape == ()
    assert value.dtype == dtype
    assert value.device.type == device
    torch.testing.assert_close(value.double().cpu(), example(), rtol=1e-4, atol=1e-6)


@every_loss
def test_gradient_of_the_first_argument_is_right(example: Example) -> None:
    first = example.inputs[0].clone().requires_grad_()
    assert torch.autograd.gradcheck(example, (first,))


@every_loss
def test_order_of_the_batch_does_not_matter(example: Example) -> None:
    torch.testing.assert_close(example(rows=torch.tensor([3, 0, 4, 2, 1])), example())


@every_loss
def test_a_batch_twice_over_counts_as_once(example: Example) -> None:
    twice = example(rows=torch.arange(B).repeat(2))
    assert torch.isclose(twice, example()) == example.same_when_duplicated


@every_loss
def test_a_single_row_gives_finite_value_and_gradient(example: Example) -> None:
    first = example.inputs[0].clone().requires_grad_()
    value = example(first, rows=torch.tensor([0]))
    value.backward()  # type: ignore[no-untyped-call]
    assert first.grad is not None
    assert value.isfinite()
    assert first.grad.isfinite().all()
