"""No training step of any stage or method makes the host wait for the device, after the first of a training."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from sfcmt.config import BridgeConfig, SourceConfig
from sfcmt.data.augment import random_views
from sfcmt.data.batches import Column, SourceData
from sfcmt.data.loading import DecodedImages
from sfcmt.distributed import rank
from sfcmt.models.bottleneck import BottleneckClassifier
from sfcmt.models.translators import TRANSLATORS
from sfcmt.stages import fit as fitting
from sfcmt.stages.bridge import BridgeLearner
from sfcmt.stages.fit import Loop, fit
from sfcmt.stages.method import METHODS
from sfcmt.stages.optimiser import build_optimiser
from sfcmt.stages.source import SourceLearner
from sfcmt.stages.transfer_context import TransferContext
from sfcmt.testing.tiny import context_of, tiny_experiment
from tests.groups import in_group
from tests.hot_path import HostWaitsError, no_host_waits

pytestmark = pytest.mark.slow

CPU = torch.device("cpu")
EVERY_TERM = {"beta_im": 0.1, "beta_pair_kl": 0.1, "beta_relations": 0.1, "beta_neighbours": 0.1, "ema": 0.5}
EVERY_LOSS = {"alpha_d": 0.3, "alpha_im": 1.0, "perceptual": 0.5, "bn_matching": 0.5}
TRANSFERS: dict[str, tuple[str, dict[str, Any]]] = {
    **{name: (name, {}) for name, method in METHODS.items() if method.trains},
    "softmatch": ("tgkt", EVERY_TERM | {"pseudo": {"weighting": "softmatch"}, "teacher_view": "augmented"}),
    "freematch in float16": ("tgkt", EVERY_TERM | {"pseudo": {"weighting": "freematch"}, "precision": "float16"}),
    "as released": ("socket", {"as_released": True, "accumulate": 2}),
}


@pytest.fixture
def guarded(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    return guard_steps(monkeypatch)


def guard_steps(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Guards all steps but the first of each training, which are counted, with the optimiser that GPUs have."""
    steps: list[int] = []
    seen: set[Loop] = set()
    step = Loop.step

    def guarded_step(self: Loop, batch: Any, *given: Any) -> None:
        for name in ("target", "pair_target", "pair_source"):  # what decodes them reads rows, which are the host's
            getattr(batch, name, None)
        if self not in seen:
            seen.add(self)
            return step(self, batch, *given)
        steps.append(1)
        with no_host_waits():
            return step(self, batch, *given)

    monkeypatch.setattr(Loop, "step", guarded_step)
    monkeypatch.setattr(
        fitting, "build_optimiser", lambda groups, training, fused: build_optimiser(groups, training, True)
    )
    return steps


@pytest.fixture
def context(tiny_data: Path, tiny_store: Path, tmp_path: Path) -> TransferContext[Any]:
    return context_of(tiny_experiment(tiny_data, tiny_store), tmp_path)


@pytest.mark.parametrize("job", TRANSFERS)
def test_transfers(tiny_data: Path, tiny_store: Path, tmp_path: Path, guarded: list[int], job: str) -> None:
    method, changes = TRANSFERS[job]
    transfer = {"batch": 20, "epochs": 1} | changes
    experiment = tiny_experiment(tiny_data, tiny_store, method=method, transfer=transfer)
    METHODS[method]().adapt(context_of(experiment, tmp_path))
    assert len(guarded) in (2, 4)  # where a method that it starts from is trained, too


def test_source(context: TransferContext[Any], guarded: list[int]) -> None:
    workspace = context.workspace
    data = SourceData(workspace.recipe.dataset, workspace.recipe.data, workspace.reader())
    config = SourceConfig(backbone="small", pretrained=False, epochs=1, batch=16)
    fit(SourceLearner(BottleneckClassifier("small", 3), config), data, config, workspace)
    assert len(guarded) == 2


@pytest.mark.parametrize("translator", [name for name in TRANSLATORS if name != "copy"])
def test_bridge(context: TransferContext[Any], guarded: list[int], translator: str) -> None:
    config = BridgeConfig(translator=translator, epochs=1, batch=20, **EVERY_LOSS)
    fit(BridgeLearner(TRANSLATORS[translator](1), context.source, config), context.data, config, context.workspace)
    assert len(guarded) == 2


def steps_in_group(data: Path, store: Path, folder: Path) -> int:
    """Guarded steps of one worker."""
    with pytest.MonkeyPatch.context() as patch:
        steps = guard_steps(patch)
        experiment = tiny_experiment(data, store, method="socket", transfer={"batch": 20, "epochs": 1})
        METHODS["socket"]().adapt(context_of(experiment, folder / str(rank())))
    return len(steps)


def test_a_group_of_workers(tiny_data: Path, tiny_store: Path, tmp_path: Path) -> None:
    assert in_group(2, steps_in_group, tiny_data, tiny_store, tmp_path) == [2, 2]


def test_images_that_are_on_the_device(context: TransferContext[Any]) -> None:
    views = random_views(4, 0.6, True, torch.Generator().manual_seed(0))
    column = Column(DecodedImages(torch.ones(9, 1, 8, 8, dtype=torch.uint8)), context.data.target.normalise, CPU)
    with no_host_waits():
        assert column.augmented(torch.arange(4), views).shape == (4, 1, 8, 8)


@pytest.mark.parametrize(
    "waits",
    [
        lambda x: x.item(),
        lambda x: x.cpu(),
        lambda x: x.tolist(),
        lambda x: bool(x > 0),
        float,
        lambda x: x.new_ones(3).nonzero(),
        lambda x: x.new_ones(3)[x.new_ones(3) > 0],
        lambda x: x.new_ones(3).masked_fill_(x.new_ones(3) > 0, 1.0).masked_select(x > 0),
        lambda x: x.to("cpu"),
        lambda x: x.to(x.device),
        lambda x: torch.tensor([1.0], device=x.device),
        lambda x: torch.equal(x, x),
        torch.unique,
    ],
)
def test_the_guard_notices(waits: Any) -> None:
    x: Tensor = torch.ones(())
    with pytest.raises(HostWaitsError), no_host_waits():
        waits(x)


def test_the_guard_lets_pass_what_stays_on_the_device() -> None:
    x, rows = torch.ones(3, 2, requires_grad=True), torch.tensor([2, 0])
    with no_host_waits():
        y = torch.where(x > 0, x, 0.0)[rows].float().to(torch.float16).sum()
        y.backward()  # type: ignore[no-untyped-call]
    assert x.grad is not None
