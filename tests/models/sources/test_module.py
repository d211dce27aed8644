"""A module of this process: what is kept of it, what names it, and what it is elsewhere."""

from __future__ import annotations

import copy
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from threading import Lock

import pytest
import torch
from torch import nn

from sfcmt.config import GivenSourceConfig
from sfcmt.errors import ModelError
from sfcmt.models.given import GivenSource
from sfcmt.models.sources.module import keep
from sfcmt.models.target_model import TargetModel, given_spec
from tests.api.networks import Custom, custom, resnet

ELSEWHERE = "others need a function that returns it: python:package.module:function"


def brought(name: str) -> nn.Module:
    config = GivenSourceConfig(model=f"module:{name}", classes=("a", "b", "c"))
    return GivenSource(config).model.bring(32).network


@pytest.mark.parametrize("make", [custom, resnet])
def test_what_is_kept_answers_alike_and_is_independent(make: Callable[[], nn.Module]) -> None:
    module, x = make(), torch.randn(4, 3, 32, 32)
    name = keep(module)
    expected = module.eval()(x)
    assert torch.equal(brought(name)(x), expected)
    for changed in (module, brought(name)):
        with torch.no_grad():
            for parameter in changed.parameters():
                parameter.add_(1)
    assert torch.equal(brought(name)(x), expected)


def test_the_module_stays_as_it_is() -> None:
    module, heard = custom().double().train(), []
    module.get_parameter("classify.bias").requires_grad_(False)
    module.register_forward_hook(lambda *_: heard.append(1))
    before, hooks = copy.deepcopy(module.state_dict()), dict(module._forward_hooks)
    keep(module)
    assert module.training
    assert not heard
    assert module._forward_hooks == hooks
    assert [name for name, one in module.named_parameters() if not one.requires_grad] == ["classify.bias"]
    for name, tensor in module.state_dict().items():
        assert tensor.dtype == before[name].dtype
        assert torch.equal(tensor, before[name])


class Twice(Custom):
    """The weights and the layers of another, and another computation."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return 2 * super().forward(x)


def test_a_name_is_of_weights_layers_and_code() -> None:
    module, other = custom(), Twice()
    other.load_state_dict(module.state_dict())
    other._get_name = lambda: "Custom"  # type: ignore[method-assign]  # so that both look alike
    assert repr(other) == repr(module)
    names = [keep(custom()), keep(module), keep(module.half().float()), keep(other), keep(resnet())]
    assert names[0] == names[1]
    assert len(set(names)) == 4
    assert names[0].startswith("Custom-")


@pytest.mark.parametrize(
    "change",
    [
        lambda module: setattr(module, "temperature", 2.0),
        lambda module: setattr(module, "shift", torch.ones(2)),
        lambda module: module.register_buffer("shift", torch.ones(2), persistent=False),
        lambda module: setattr(module.body[1], "eps", 1e-3),
    ],
)
def test_a_name_is_of_what_no_weights_tell(change: Callable[[nn.Module], object]) -> None:
    module = custom()
    change(module)
    assert keep(module) != keep(custom())


@pytest.mark.parametrize("wrap", [pytest.param(torch.compile, marks=pytest.mark.slow), nn.DataParallel])
def test_of_a_wrapped_module_the_module_is_kept(wrap: Callable[[nn.Module], nn.Module]) -> None:
    assert keep(wrap(custom())) == keep(custom())


@pytest.mark.filterwarnings("ignore:.*weight_norm.*:FutureWarning")
def test_a_derived_weight_does_not_hinder() -> None:
    module, x = custom(), torch.randn(2, 3, 32, 32)
    nn.utils.weight_norm(module.get_submodule("classify"))
    expected = module.eval()(x)
    assert torch.equal(brought(keep(module))(x), expected)


class Locked(nn.Module):
    """Holds what cannot be copied."""

    def __init__(self) -> None:
        super().__init__()
        self.lock = Lock()


@pytest.mark.parametrize(
    ("module", "message"),
    [
        (custom, "a function is no nn.Module"),
        (Locked(), "Locked: cannot be copied \\(cannot pickle '_thread.lock' object\\)"),
    ],
)
def test_what_cannot_be_kept(module: nn.Module, message: str) -> None:
    with pytest.raises(ModelError, match=message):
        keep(module)


def test_a_name_that_nobody_gave() -> None:
    with pytest.raises(ModelError, match=rf"^module:Net-12: only the process .* has it; {ELSEWHERE}$"):
        brought("Net-12")


@pytest.mark.slow
def test_in_another_process_a_saved_model_says_what_it_needs(tmp_path: Path) -> None:
    config = GivenSourceConfig(model=f"module:{keep(custom())}", classes=("a", "b", "c"))
    classifier, _ = GivenSource(config).classifier(32)
    TargetModel(given_spec(config.model, classifier, ("a", "b", "c"), 32), classifier).save(tmp_path)
    assert TargetModel.load(tmp_path)(torch.zeros(1, 3, 32, 32)).shape == (1, 3)
    command = [sys.executable, "-m", "sfcmt", "predict", str(tmp_path), "image.png"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr.splitlines()[-1].endswith(ELSEWHERE)
