"""Every loss on the device against the CPU: its value and its gradient."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import torch
from torch import Tensor

from benchmarks.gpu.bench import Bench, Row, near
from sfcmt.losses.attracting_dispersing import attracting_dispersing
from sfcmt.losses.distillation import distillation
from sfcmt.losses.domain_adversarial import domain_adversarial, reverse_gradient
from sfcmt.losses.feature_matching import feature_matching
from sfcmt.losses.information_maximisation import information_maximisation
from sfcmt.losses.relational import relational
from sfcmt.losses.self_training import self_training
from sfcmt.pseudo_labels.centroids import centroid_labels

Loss = Callable[[Tensor, Tensor], Tensor]
_LOSSES: dict[str, Loss] = {
    "information maximisation": lambda x, y: information_maximisation(x),
    "distillation": lambda x, y: distillation(x, y.softmax(dim=1), 2.0),
    "feature matching": feature_matching,
    "relational": relational,
    "self-training": lambda x, y: self_training(x, y.argmax(dim=1), y.softmax(dim=1).amax(dim=1)),
    "domain-adversarial": lambda x, y: domain_adversarial(reverse_gradient(x, 0.5)[:, 0], y[:, 0] > 0),
    "attracting and dispersing": lambda x, y: attracting_dispersing(x.softmax(1), y.softmax(1)[:, None], 0.5),
}


def rows(bench: Bench) -> Iterator[Row]:
    """All losses, and the pseudo-labels."""
    x, y = torch.randn(2, 64, 40, generator=torch.Generator().manual_seed(0))
    for name, loss in _LOSSES.items():
        expected, found = (_value_and_gradient(loss, x.to(device), y.to(device)) for device in ("cpu", bench.device))
        yield near(name, found, expected, 1e-4)
    labels = [
        centroid_labels(x.to(device), y.to(device).softmax(dim=1)).similarities_NK for device in ("cpu", bench.device)
    ]
    yield near("centroids of pseudo-labels", labels[1], labels[0], 1e-4)


def _value_and_gradient(loss: Loss, x: Tensor, y: Tensor) -> Tensor:
    x = x.clone().requires_grad_()
    value = loss(x, y)
    (gradient,) = torch.autograd.grad(value, x)
    return torch.cat([value.detach().reshape(1).cpu(), gradient.flatten().cpu()])
