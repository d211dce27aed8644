"""Batch norm of several workers against torch's own on the whole batch: forward, backward, running statistics."""

from __future__ import annotations

import copy
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from sfcmt.distributed import gathered, share, workers
from sfcmt.errors import ModelError
from sfcmt.models.classifier import BatchNormFrozen, batchnorm_layers, set_batchnorm_momentum
from sfcmt.models.synchronised import synchronise
from tests.groups import in_group

pytestmark = pytest.mark.slow

ROWS, CHANNELS, STEPS = 5, 6, 2  # shares of 3 and 2
CPU = torch.device("cpu")
SHAPES = {"vectors": (), "images": (4, 3)}


def layers() -> dict[str, nn.Module]:
    """Kinds of batch norm, with the shape of their inputs in the name."""
    from sfcmt.models.compat import timm

    torch.manual_seed(0)
    kinds: dict[str, nn.Module] = {
        "vectors": nn.BatchNorm1d(CHANNELS),
        "images": nn.BatchNorm2d(CHANNELS),
        "images, activated": timm.layers.BatchNormAct2d(CHANNELS, act_layer=nn.SiLU),
        "images, plain average": nn.BatchNorm2d(CHANNELS, momentum=None),
        "images, not affine": nn.BatchNorm2d(CHANNELS, affine=False),
        "images, forgetful": nn.BatchNorm2d(CHANNELS, track_running_stats=False),
    }
    for layer in kinds.values():
        for parameter in layer.parameters():
            nn.init.normal_(parameter, 1.0)
    return kinds


def inputs(name: str, step: int) -> tuple[Tensor, Tensor]:
    """A whole batch, far off zero, and the weights of a loss."""
    shape = (ROWS, CHANNELS, *SHAPES[name.split(",", maxsplit=1)[0]])
    x, weights = torch.randn(2, *shape, generator=torch.Generator().manual_seed(step))
    x = 3 * x + 50
    return (x.contiguous(memory_format=torch.channels_last) if x.ndim == 4 and step else x), weights


def passed(name: str, layer: nn.Module, kind: torch.dtype, exact: bool = False) -> dict[str, Any]:
    """Two steps of training mode and a look in evaluation mode; gradients as DDP would average them."""
    found: dict[str, Any] = {}
    layer.train()
    for step in range(STEPS):
        whole, weights = inputs(name, step)
        whole = whole.to(kind).double() if exact else whole.to(kind)
        x = share(whole).clone().requires_grad_()
        y = layer(x)
        (gathered(y, ROWS).to(weights.dtype) * weights).square().sum().backward()  # type: ignore[no-untyped-call]
        assert x.grad is not None
        found |= {f"y{step}": gathered(y.detach(), ROWS), f"x{step}.grad": gathered(x.grad, ROWS) / workers()}
    for parameter_name, parameter in layer.named_parameters():
        assert parameter.grad is not None
        whole_grad = gathered(parameter.grad.unsqueeze(0), workers()).mean(dim=0)
        found[f"{parameter_name}.grad"] = whole_grad
    found |= layer.state_dict()
    if "forgetful" not in name:
        found["evaluated"] = layer.eval()(whole)
    return found


def worker(kind: torch.dtype) -> dict[str, dict[str, Any]]:
    found = {}
    for name, layer in layers().items():
        synchronise(layer.train().to(torch.promote_types(kind, torch.float32)), CPU)
        found[name] = passed(name, layer, kind)
    return found


@pytest.mark.parametrize("kind", [torch.float64, torch.float32, torch.bfloat16])
def test_is_batch_norm_of_the_whole_batch(kind: torch.dtype) -> None:
    found = in_group(2, worker, kind)
    for name, layer in layers().items():
        expected = passed(name, layer.double(), kind, exact=True)
        tolerance = {torch.float64: 1e-11, torch.float32: 1e-4, torch.bfloat16: 2e-2}[kind]
        for one in found:
            assert one[name].keys() == expected.keys()
            for key, value in expected.items():
                scale = value.abs().max().clamp(min=1).item()
                torch.testing.assert_close(
                    one[name][key].double(), value.double(), atol=tolerance * scale, rtol=0, msg=f"{name}: {key}"
                )


def model() -> nn.Sequential:
    from sfcmt.models.compat import timm

    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(1, 4, 1), timm.layers.BatchNormAct2d(4), nn.Flatten(), nn.BatchNorm1d(4)).train()


def what_the_project_asks_of_layers() -> dict[str, Any]:
    """Momenta, frozen statistics, hooks, copies and files of a synchronised model."""
    net, heard = model(), list[int]()
    before = [id(layer) for layer in batchnorm_layers(net)]
    net[1].register_forward_pre_hook(lambda _, inputs: heard.append(len(inputs[0])))
    synchronise(net, CPU)
    found: dict[str, Any] = {"same": before == [id(layer) for layer in batchnorm_layers(net)]}
    set_batchnorm_momentum(net, 0.5)
    x = share(torch.arange(4.0).reshape(4, 1, 1, 1))
    with BatchNormFrozen(net):
        net(x)
    found["frozen"] = all(not layer.get_buffer("running_mean").any() for layer in batchnorm_layers(net))
    net(x)
    followed = net[0](torch.arange(4.0).reshape(4, 1, 1, 1)).mean(dim=(0, 2, 3)) / 2
    found["followed"] = torch.allclose(net[1].get_buffer("running_mean"), followed)
    found["heard"] = [*heard]
    plain = model()
    plain.load_state_dict(net.state_dict())
    fresh = torch.randn(3, 1, 1, 1)
    found["evaluates alike"] = torch.equal(plain.eval()(fresh), copy.deepcopy(net).eval()(fresh))
    return found


def test_layers_remain_what_the_project_takes_them_for() -> None:
    for found in in_group(2, what_the_project_asks_of_layers):
        assert found.pop("heard") == [2, 2]
        assert all(found.values()), found


def test_layers_in_evaluation_mode_are_left_alone() -> None:
    net = model()
    net[3].eval()
    synchronise(net, CPU)
    assert type(net[3]) is nn.BatchNorm1d
    assert type(net[1]) is not type(model()[1])


def test_a_layer_that_does_something_else_is_an_error() -> None:
    class Doubled(nn.BatchNorm1d):
        def forward(self, x: Tensor) -> Tensor:
            return 2 * super().forward(x)

    with pytest.raises(ModelError, match="Doubled"):
        synchronise(nn.Sequential(Doubled(3)), CPU)


def test_on_gpus_layers_become_torch_s_own_and_evaluate_as_before() -> None:
    net, plain = model(), model()
    synchronise(net, torch.device("cuda"))
    assert [isinstance(layer, nn.SyncBatchNorm) for layer in batchnorm_layers(net)] == [True, True]
    x = torch.randn(3, 1, 1, 1)
    assert torch.equal(net.eval()(x), plain.eval()(x))
