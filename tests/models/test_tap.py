"""Taking networks apart, whatever they look like."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from sfcmt.errors import ModelError
from sfcmt.models.tap import find_head, outputs_of, take_head

SIZE = 16


class Network(nn.Module):
    """A body of 6 features, parts that subclasses add, and what they make of the features."""

    fc: Any
    drop: Any
    conv: Any
    first: Any
    second: Any

    def __init__(self, **parts: nn.Module) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.body = nn.Sequential(nn.Conv2d(3, 6, 3, 2), nn.ReLU())
        for name, part in parts.items():
            self.add_module(name, part)

    def forward(self, x: Tensor) -> Any:
        """Images to an answer."""
        return self.answer(self.body(x))

    def answer(self, maps: Tensor) -> Any:
        """Feature maps (B, 6, H, W) to an answer."""
        raise NotImplementedError


class Usual(Network):
    """A linear layer on pooled features."""

    def answer(self, maps: Tensor) -> Any:
        return self.fc(self.drop(maps.mean(dim=(2, 3))))


class OneByOne(Network):
    """A 1x1 convolution, and the mean of what it yields."""

    def answer(self, maps: Tensor) -> Any:
        return self.conv(maps).mean(dim=(2, 3))


class Tokens(Network):
    """A linear layer on each place, and the mean of what it yields."""

    def answer(self, maps: Tensor) -> Any:
        return self.fc(maps.flatten(2).transpose(1, 2)).mean(dim=1)


class TwoHeads(Network):
    """The mean of two heads on two kinds of features."""

    def answer(self, maps: Tensor) -> Any:
        both = (self.first(maps.mean(dim=(2, 3))), self.second(maps.amax(dim=(2, 3))))
        return sum(both) / 2


class Softmax(Network):
    """Probabilities in place of logits."""

    def answer(self, maps: Tensor) -> Any:
        return self.fc(maps.mean(dim=(2, 3))).softmax(dim=1)


class Wrapped(Network):
    """An object with logits."""

    def answer(self, maps: Tensor) -> Any:
        return SimpleNamespace(logits=self.fc(maps.mean(dim=(2, 3))), loss=None)


def usual() -> Usual:
    return Usual(fc=nn.Linear(6, 4), drop=nn.Dropout(0.9))


def x() -> Tensor:
    return torch.randn(5, 3, SIZE, SIZE, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize(
    ("network", "layers", "width"),
    [
        (usual(), ("fc",), 6),
        (OneByOne(conv=nn.Conv2d(6, 4, 1)), ("conv",), 6),
        (Tokens(fc=nn.Linear(6, 4)), ("fc",), 6),
        (TwoHeads(first=nn.Linear(6, 4), second=nn.Linear(6, 4)), ("first", "second"), 12),
        (Wrapped(fc=nn.Linear(6, 4, bias=False)), ("fc",), 6),
        (Usual(fc=nn.Linear(6, 1), drop=nn.Identity()), ("fc",), 6),
    ],
)
def test_the_head_is_found_and_what_is_left_yields_its_features(
    network: Network, layers: tuple[str, ...], width: int
) -> None:
    with torch.no_grad():
        expected = outputs_of(network.eval()(x()))
        found = find_head(network, SIZE, None)
        head = take_head(network, found)
        features = outputs_of(network(x()))
    assert found.layers == layers
    assert features.shape == (5, width) == (5, head.in_features)
    torch.testing.assert_close(head(features), expected)


def test_features_are_what_enters_the_head_before_its_dropout() -> None:
    network = usual()
    found = find_head(network, SIZE, None)
    assert found.dropouts == ("drop",)
    take_head(network, found)
    assert torch.equal(network.train()(x()), network.eval()(x()))


def test_a_dropout_elsewhere_stays() -> None:
    network = usual()
    network.body.append(nn.Dropout(0.5))
    take_head(network, find_head(network, SIZE, None))
    assert not torch.equal(network.train()(x()), network.eval()(x()))


def test_parameters_that_no_output_needs_are_named() -> None:
    network = Usual(fc=nn.Linear(6, 4), drop=nn.Identity(), auxiliary=nn.Linear(6, 4))
    assert find_head(network, SIZE, None).unused == ("auxiliary.weight", "auxiliary.bias")


def test_what_no_linear_layer_yields_is_refused_until_the_layer_is_named() -> None:
    network = Softmax(fc=nn.Linear(6, 4))
    with pytest.raises(ModelError, match="no single linear layer yields the outputs; name it by head: fc"):
        find_head(network, SIZE, None)
    assert find_head(network, SIZE, "fc").layers == ("fc",)


def test_a_name_of_no_layer_is_refused_with_those_that_there_are() -> None:
    with pytest.raises(ModelError, match="head: 'classifier' is no linear layer that the network uses; allowed: fc"):
        find_head(usual(), SIZE, "classifier")


def test_an_answer_without_logits_is_refused() -> None:
    with pytest.raises(ModelError, match="answers with a SimpleNamespace, in which there are no logits"):
        outputs_of(SimpleNamespace(boxes=1))


@pytest.mark.parametrize("answer", [torch.ones(2, 3), (torch.ones(2, 3), None), {"logits": torch.ones(2, 3)}])
def test_the_tensor_of_an_answer(answer: Any) -> None:
    assert torch.equal(outputs_of(answer), torch.ones(2, 3))
