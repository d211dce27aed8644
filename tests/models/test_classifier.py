"""The network: its shapes, its frozen parts, its copies."""

from __future__ import annotations

import torch

from sfcmt.models.bottleneck import BOTTLENECK, BottleneckClassifier
from sfcmt.models.classifier import (
    BatchNormFrozen,
    batchnorm_layers,
    copy_of,
    depthwise_convolutions,
    frozen,
    set_batchnorm_momentum,
)


def model() -> BottleneckClassifier:
    torch.manual_seed(0)
    return BottleneckClassifier("small", classes=5)


def test_gives_bottleneck_features_and_logits() -> None:
    features, logits = model()(torch.randn(3, 3, 32, 32))
    assert features.shape == (3, BOTTLENECK)
    assert logits.shape == (3, 5)


def test_the_head_is_linear_and_weight_normalised() -> None:
    network = model().eval()
    features, logits = network(torch.randn(3, 3, 32, 32))
    parts = network.head.parametrizations.weight
    weight = parts.original0 * parts.original1 / parts.original1.norm(dim=1, keepdim=True)
    torch.testing.assert_close(logits, features @ weight.T + network.head.bias)


def test_a_frozen_head_gets_no_gradient() -> None:
    network = model()
    network.freeze_head()
    network(torch.randn(3, 3, 32, 32)).logits_BK.sum().backward()
    assert all(parameter.grad is None for parameter in network.head.parameters())
    assert all(parameter.grad is not None for parameter in network.bottleneck.parameters())
    assert len(network.new_parameters()) == 4 + 3


def test_frozen_is_in_evaluation_mode_without_gradients() -> None:
    network = frozen(model())
    assert not network.training
    assert not any(parameter.requires_grad for parameter in network.parameters())


def test_a_copy_of_a_frozen_model_is_trainable_and_independent() -> None:
    network = frozen(model())
    copy = copy_of(network)  # type: ignore[arg-type]
    assert all(parameter.requires_grad for parameter in copy.parameters())
    with torch.no_grad():
        for parameter in copy.parameters():
            parameter.add_(1)
    copy.train()(torch.randn(3, 3, 32, 32))
    fresh = model().state_dict()
    assert all(torch.equal(tensor, fresh[name]) for name, tensor in network.state_dict().items())
    assert not any(parameter.requires_grad for parameter in network.parameters())


def test_batch_norm_momentum_and_its_suspension() -> None:
    network = model().train()
    set_batchnorm_momentum(network, 0.3)
    before = {name: tensor.clone() for name, tensor in network.state_dict().items() if "running" in name}
    with BatchNormFrozen(network):
        network(torch.randn(4, 3, 32, 32))
    assert all(torch.equal(network.state_dict()[name], tensor) for name, tensor in before.items())
    assert {layer.momentum for layer in batchnorm_layers(network)} == {0.3}
    assert len(before) == 2 * len(batchnorm_layers(network))
    network(torch.randn(4, 3, 32, 32))
    assert not any(torch.equal(network.state_dict()[name], tensor) for name, tensor in before.items())


def test_depthwise_convolutions_are_those_of_one_channel_a_group() -> None:
    layers = torch.nn.ModuleList(
        [
            torch.nn.Conv2d(4, 4, 3, groups=4),
            torch.nn.Conv2d(4, 8, 3, groups=4),
            torch.nn.Conv2d(4, 4, 3, groups=2),
            torch.nn.Conv2d(1, 4, 3),
        ]
    )
    assert depthwise_convolutions(layers) == [layers[0], layers[1]]
