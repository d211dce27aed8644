"""Checkpoints bring weights, buffers, the optimiser's state and notes back, bit by bit."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from sfcmt.stages.checkpoint import is_readable, load_checkpoint, save_checkpoint


def model(seed: int) -> nn.Module:
    torch.manual_seed(seed)
    layers = nn.Sequential(nn.Conv2d(2, 4, 3), nn.BatchNorm2d(4), nn.Conv2d(4, 1, 3))
    return layers.to(memory_format=torch.channels_last)  # type: ignore[call-overload,no-any-return]


def optimiser_of(kind: str, layers: nn.Module) -> torch.optim.Optimizer:
    if kind == "sgd":
        return torch.optim.SGD(layers.parameters(), lr=0.1, momentum=0.9, nesterov=True)
    return torch.optim.AdamW(layers.parameters(), lr=0.1)


def train(layers: nn.Module, optimiser: torch.optim.Optimizer, seed: int) -> None:
    x = torch.randn(4, 2, 8, 8, generator=torch.Generator().manual_seed(seed))
    optimiser.zero_grad()
    layers(x).square().mean().backward()
    optimiser.step()


@pytest.mark.parametrize("kind", ["sgd", "adamw"])
def test_a_restored_training_goes_on_as_the_first_does(tmp_path: Path, kind: str) -> None:
    first, second = model(0), model(1)
    ours, theirs = optimiser_of(kind, first), optimiser_of(kind, second)
    notes: dict[str, Any] = {"curves": [{"epoch": 1, "loss": 0.1}], "scaler": {"scale": 65536.0}, "seconds": 1.5}
    train(first, ours, 0)
    save_checkpoint(tmp_path / "checkpoint.safetensors", first, ours, notes)
    assert load_checkpoint(tmp_path / "checkpoint.safetensors", second, theirs) == notes
    for layers, optimiser in ((first, ours), (second, theirs)):
        train(layers, optimiser, 1)
    for name, tensor in first.state_dict().items():
        assert torch.equal(tensor, second.state_dict()[name]), name


def test_an_optimiser_without_state_yet_is_restored(tmp_path: Path) -> None:
    first, second = model(0), model(1)
    save_checkpoint(tmp_path / "checkpoint.safetensors", first, optimiser_of("sgd", first), {})
    theirs = optimiser_of("sgd", second)
    assert load_checkpoint(tmp_path / "checkpoint.safetensors", second, theirs) == {}
    assert not theirs.state


def test_parameters_that_are_not_trained_have_no_state_to_restore(tmp_path: Path) -> None:
    first, second = model(0), model(1)
    first[0].requires_grad_(False)  # type: ignore[index]
    ours, theirs = optimiser_of("adamw", first), optimiser_of("adamw", second)
    train(first, ours, 0)
    save_checkpoint(tmp_path / "checkpoint.safetensors", first, ours, {})
    load_checkpoint(tmp_path / "checkpoint.safetensors", second, theirs)
    assert len(theirs.state) == len(list(second.parameters())) - 2


def test_a_checkpoint_that_could_not_be_written_leaves_the_last_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, layers = tmp_path / "checkpoint.safetensors", model(0)
    save_checkpoint(path, layers, optimiser_of("adamw", layers), {"epoch": 1})
    before = path.read_bytes()
    with pytest.raises(TypeError, match="JSON serializable"):
        save_checkpoint(path, layers, optimiser_of("adamw", layers), {"epoch": object()})
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_only_a_whole_checkpoint_is_readable(tmp_path: Path) -> None:
    path, layers = tmp_path / "checkpoint.safetensors", model(0)
    assert not is_readable(path)
    save_checkpoint(path, layers, optimiser_of("adamw", layers), {})
    assert is_readable(path)
    for size in (len(path.read_bytes()) - 1, 7, 0):
        os.truncate(path, size)
        assert not is_readable(path), size
