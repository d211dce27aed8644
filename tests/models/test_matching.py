"""Weights are loaded under the names that the network gives them, or refused with all that does not fit."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from sfcmt.errors import ModelError
from sfcmt.models.compat import timm
from sfcmt.models.matching import load_weights
from sfcmt.models.weights_file import Weights, read_weights
from tests.models.checkpoints import State, legacy, network, prefixed, tensors_only, zipped

NAME = "timm:test_resnet"


def state(seed: int = 0, outputs: int = 3) -> State:
    return network(seed, outputs).state_dict()


def equal(left: State, right: State) -> bool:
    return list(left) == list(right) and all(torch.equal(left[name], right[name]) for name in left)


def refusal(target: nn.Module, tensors: State, name: str = "") -> str:
    """The one line that tensors are refused in; the network is as it was."""
    before = {key: tensor.clone() for key, tensor in target.state_dict().items()}
    with pytest.raises(ModelError) as caught:
        load_weights(target, Weights(tensors, ""), "weights.pth", name)
    assert equal(target.state_dict(), before)
    message = str(caught.value)
    assert message.startswith("weights.pth: ")
    assert message.isprintable()
    return message.removeprefix("weights.pth: ")


PREFIXES = ["", "module.", "_orig_mod.", "model.", "backbone.", "network.", "module.module.", "module._orig_mod.model."]


@pytest.mark.parametrize("prefix", PREFIXES)
def test_prefixes_of_wrappers_are_removed(prefix: str) -> None:
    target = network(1)
    notes = load_weights(target, Weights(prefixed(state(), prefix), ""), "weights.pth")
    assert equal(target.state_dict(), state())
    assert notes == ((f"prefix '{prefix}' removed",) if prefix else ())


class Wrapped(nn.Module):
    """A network that itself has a `backbone` with a `model` in it."""

    def __init__(self, seed: int) -> None:
        super().__init__()
        self.backbone = nn.ModuleDict({"model": network(seed)})
        self.head = nn.Linear(3, 2)


@pytest.mark.parametrize("prefix", ["", "module.", "backbone."])
def test_prefixes_that_are_the_networks_own_stay(prefix: str) -> None:
    target, source = Wrapped(1), Wrapped(0)
    load_weights(target, Weights(prefixed(source.state_dict(), prefix), ""), "weights.pth")
    assert equal(target.state_dict(), source.state_dict())


def test_a_prefix_of_some_names_only_is_removed_from_these() -> None:
    target, tensors = network(1), state()
    some = {name if name.startswith("3.") else f"backbone.{name}": tensor for name, tensor in tensors.items()}
    load_weights(target, Weights(some, ""), "weights.pth")
    assert equal(target.state_dict(), tensors)


def test_names_that_would_become_one_stay_two() -> None:
    both = state() | prefixed(state(1), "module.")
    assert refusal(network(1), both).startswith("does not fit the network: 9 unexpected (module.0.weight, ")


def test_buffers_of_profilers_and_counters_do_not_matter() -> None:
    target, tensors = network(1), state()
    extra = {"total_ops": torch.zeros(1), "0.total_params": torch.zeros(1), "n_averaged": torch.tensor(3)}
    without = {name: tensor for name, tensor in tensors.items() if not name.endswith("num_batches_tracked")}
    assert load_weights(target, Weights(without | extra, ""), "weights.pth") == ()
    assert all(torch.equal(target.state_dict()[name], tensor) for name, tensor in without.items())


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_floats_are_read_as_the_networks(dtype: torch.dtype) -> None:
    target = network(1)
    changed = {name: tensor.to(dtype) for name, tensor in state().items()}
    notes = load_weights(target, Weights(changed, ""), "weights.pth")
    assert notes == (f"{str(dtype).removeprefix('torch.')} weights are read as float32",)
    for name, tensor in target.state_dict().items():
        assert tensor.dtype == state()[name].dtype
        torch.testing.assert_close(tensor, changed[name].to(tensor.dtype), rtol=0, atol=0)


def test_whole_numbers_are_no_weights() -> None:
    wrong = state() | {"0.bias": torch.zeros(4, dtype=torch.int64)}
    message = "does not fit the network: 1 of another kind of number (0.bias: int64 here, float32 in the network)"
    assert refusal(network(1), wrong) == message


def test_all_that_does_not_fit_is_told_at_once() -> None:
    wrong = state() | {"0.weight": torch.zeros(4, 1, 3, 3), "fc.weight": torch.zeros(1), "fc.\x1b\n": torch.zeros(1)}
    for name in ("0.bias", "1.weight", "1.bias", "1.running_var"):
        del wrong[name]
    assert refusal(network(1), wrong, "mine") == (
        "does not fit mine: 4 of 9 missing (0.bias, 1.weight, 1.bias, ...), 2 unexpected (fc.weight, fc.?), "
        "1 of another shape (0.weight: 4 x 1 x 3 x 3 here, 4 x 3 x 3 x 3 in the network)"
    )


def test_other_classes_are_told_as_such() -> None:
    assert refusal(network(1), state(outputs=5)) == "has 5 outputs, where 3 classes are given"


def test_another_network_is_named() -> None:
    target = timm.create_model("test_resnet", num_classes=3)
    other = timm.create_model("test_efficientnet", num_classes=7).state_dict()
    message = refusal(target, prefixed(other, "module."), NAME)
    assert message.startswith(
        f"does not fit {NAME}: 73 of 92 missing (conv1.0.weight, conv1.1.weight, conv1.1.bias, ...)"
    )
    assert message.endswith("; fits timm:test_efficientnet")


def test_no_network_is_named_where_none_fits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(timm, "list_models", lambda _: ["test_resnet", "test_convnext"])
    message = refusal(timm.create_model("test_resnet", num_classes=3), state(), NAME)
    assert "; fits" not in message
    assert "missing" in message


@pytest.mark.parametrize("write", [zipped, legacy, tensors_only])
def test_a_network_gives_the_same_logits_from_its_file(tmp_path: Path, write: Callable[[State], bytes]) -> None:
    torch.manual_seed(0)
    source = timm.create_model("test_resnet", num_classes=3)
    source(torch.randn(2, 3, 64, 64))
    file = tmp_path / "weights"
    file.write_bytes(write(prefixed(source.state_dict(), "module.")))
    target = timm.create_model("test_resnet", num_classes=3)
    load_weights(target, read_weights(file), str(file), NAME)
    x_BCHW: Tensor = torch.randn(2, 3, 64, 64)
    with torch.no_grad():
        assert torch.equal(target.eval()(x_BCHW), source.eval()(x_BCHW))
