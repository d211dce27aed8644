"""The training loop: its schedule, its optimisers, and what it does when a loss breaks down."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Literal

import pytest
import torch
from torch import Tensor, nn

from sfcmt.artifact import Row
from sfcmt.callbacks import Callback
from sfcmt.config import SourceConfig, Training
from sfcmt.data.augment import random_views
from sfcmt.data.batches import Column, SourceData
from sfcmt.models.bottleneck import BottleneckClassifier
from sfcmt.models.classifier import depthwise_convolutions
from sfcmt.recipe import Recipe
from sfcmt.stages import compiling
from sfcmt.stages.fit import DivergedError, fit
from sfcmt.stages.learner import Learner, ParameterGroup
from sfcmt.stages.optimiser import build_optimiser
from sfcmt.stages.source import SourceLearner
from sfcmt.testing.tiny import Recorder, recipe_of, tiny_experiment
from sfcmt.workspace import Workspace

STEPS = 5


class Ramp(Learner[int]):
    """One weight whose gradient is always `slope`. Remembers the weight before each step."""

    def __init__(self, slope: float = 1.0, lr: float = 0.1) -> None:
        super().__init__()
        self._lr = lr
        self.weight = nn.Parameter(torch.zeros((), dtype=torch.float64))
        self._slope, self.seen, self.told = slope, list[float](), list[float]()

    def parameter_groups(self) -> list[ParameterGroup]:
        return [{"params": [self.weight], "lr": self._lr}]

    def forward(self, batch: int) -> dict[str, Tensor]:
        self.seen.append(self.weight.item())
        self.told.append(self.progress)
        return {"ramp": self._slope * self.weight, "batch": torch.tensor(float(batch))}


class Numbers:
    """Batches 0, 1, 2, ... Remembers what each epoch's randomness begins with."""

    def __init__(self) -> None:
        self.drawn: list[tuple[float, float]] = []

    def steps(self, training: Training) -> int:
        return STEPS

    def epoch(self, training: Training, generator: torch.Generator) -> Iterator[int]:
        self.drawn.append((torch.rand((), generator=generator).item(), torch.rand(()).item()))
        yield from range(STEPS)


def workspace(data: Path, folder: Path, callback: Callback | None = None) -> Workspace:
    experiment = tiny_experiment(data, folder)
    return Workspace(recipe_of("source", experiment), folder, folder, [], experiment.runtime, callback or Callback())


def steps_taken(data: Path, folder: Path, **fields: object) -> list[float]:
    """How far the weight went down at each step."""
    ramp = Ramp()
    fit(ramp, Numbers(), Training.model_validate({"lr": 0.1, "weight_decay": 0, **fields}), workspace(data, folder))
    seen = [*ramp.seen, ramp.weight.item()]
    return [before - after for before, after in pairwise(seen)]


def cosine(step: int, total: int) -> float:
    return 0.1 * 0.5 * (1 + math.cos(math.pi * step / total))


def test_adamw_takes_steps_of_the_learning_rate_along_a_constant_slope(tiny_data: Path, tmp_path: Path) -> None:
    taken = steps_taken(tiny_data, tmp_path, epochs=3)
    assert taken == pytest.approx([cosine(step, 15) for step in range(15)], rel=1e-5)


def test_sgd_gathers_nesterov_momentum(tiny_data: Path, tmp_path: Path) -> None:
    velocity, expected = 0.0, []
    for step in range(10):
        velocity = 0.9 * velocity + 1
        expected.append(cosine(step, 10) * (1 + 0.9 * velocity))
    assert steps_taken(tiny_data, tmp_path, epochs=2, optimiser="sgd") == pytest.approx(expected, rel=1e-6)


def test_a_constant_schedule_stays(tiny_data: Path, tmp_path: Path) -> None:
    assert steps_taken(tiny_data, tmp_path, epochs=1, schedule="constant") == pytest.approx([0.1] * STEPS, rel=1e-5)


def test_weight_decay_is_decoupled(tiny_data: Path, tmp_path: Path) -> None:
    ramp = Ramp(slope=0.0)
    ramp.weight.data.fill_(1.0)
    fit(
        ramp,
        Numbers(),
        Training(lr=0.1, weight_decay=0.5, epochs=1, schedule="constant"),
        workspace(tiny_data, tmp_path),
    )
    assert ramp.weight.item() == pytest.approx(0.95**STEPS)


def test_curves_are_means_over_an_epoch_s_steps_and_progress_is_a_share(tiny_data: Path, tmp_path: Path) -> None:
    ramp, recorder = Ramp(), Recorder()
    place = workspace(tiny_data, tmp_path, recorder)
    fit(ramp, Numbers(), Training(epochs=2), place)
    assert [row["batch"] for row in place.curves] == [2.0, 2.0]
    assert place.curves[1]["ramp"] == pytest.approx(sum(ramp.seen[5:]) / 5)
    assert ramp.told == pytest.approx([step / 10 for step in range(10)])
    assert recorder.started == ["source"]
    assert recorder.epochs == [("source", 1), ("source", 2)]
    assert not ramp.training


@pytest.mark.parametrize("slope", [float("nan"), float("inf")])
def test_a_loss_that_breaks_down_is_an_error_that_names_the_stage(
    tiny_data: Path, tmp_path: Path, slope: float
) -> None:
    with pytest.raises(DivergedError, match="source: diverged in epoch 1"):
        fit(Ramp(slope), Numbers(), Training(), workspace(tiny_data, tmp_path))
    assert not list(tmp_path.glob("checkpoint*"))


def test_finished_epochs_are_not_run_again(tiny_data: Path, tmp_path: Path) -> None:
    first = Ramp()
    fit(first, Numbers(), Training(epochs=2), workspace(tiny_data, tmp_path))
    again, place = Ramp(), workspace(tiny_data, tmp_path)
    fit(again, Numbers(), Training(epochs=2), place)
    assert again.seen == []
    assert again.weight.item() == first.weight.item()
    assert [row["epoch"] for row in place.curves] == [1, 2]


def test_a_checkpoint_that_a_power_loss_cut_short_means_starting_anew(tiny_data: Path, tmp_path: Path) -> None:
    first = Ramp()
    fit(first, Numbers(), Training(epochs=2), workspace(tiny_data, tmp_path))
    checkpoint = workspace(tiny_data, tmp_path).checkpoint
    checkpoint.write_bytes(checkpoint.read_bytes()[:-1])
    again, place = Ramp(), workspace(tiny_data, tmp_path)
    fit(again, Numbers(), Training(epochs=2), place)
    assert again.seen == first.seen
    assert [row["epoch"] for row in place.curves] == [1, 2]


def test_an_epoch_s_randomness_depends_on_its_number(tiny_data: Path, tmp_path: Path) -> None:
    whole, rest = Numbers(), Numbers()
    fit(Ramp(), whole, Training(epochs=3), workspace(tiny_data, _made(tmp_path / "whole")))
    folder = _made(tmp_path / "parts")
    fit(Ramp(), Numbers(), Training(epochs=1), workspace(tiny_data, folder))
    torch.rand(5)
    fit(Ramp(), rest, Training(epochs=3), workspace(tiny_data, folder))
    assert rest.drawn == whole.drawn[1:]
    assert len(set(whole.drawn)) == 3


def test_seconds_count_those_of_the_training_that_is_gone_on_with(tiny_data: Path, tmp_path: Path) -> None:
    class Slow(Callback):
        def advanced(self, recipe: Recipe, epochs: float) -> None:
            time.sleep(0.1)

    fit(Ramp(), Numbers(), Training(epochs=1), workspace(tiny_data, tmp_path, Slow()))
    place = workspace(tiny_data, tmp_path)
    fit(Ramp(), Numbers(), Training(epochs=1), place)
    assert 0.1 * STEPS < place.seconds < 0.1 * STEPS + 5


@pytest.mark.parametrize("precision", ["bfloat16", "float16"])
def test_reduced_precision_goes_on_after_an_interruption(
    tiny_data: Path, tmp_path: Path, precision: Literal["bfloat16", "float16"]
) -> None:
    whole, part, rest = Ramp(), Ramp(), Ramp()
    training = Training(epochs=2, precision=precision, schedule="constant")
    fit(whole, Numbers(), training, workspace(tiny_data, _made(tmp_path / "whole")))
    folder = _made(tmp_path / "parts")
    fit(part, Numbers(), training.model_copy(update={"epochs": 1}), workspace(tiny_data, folder))
    fit(rest, Numbers(), training, workspace(tiny_data, folder))
    assert rest.seen == whole.seen[STEPS:]
    assert rest.weight.item() == whole.weight.item()


class Types(Learner[int]):
    """Remembers the number types of a layer's outputs, and of images that the forward pass asks for."""

    def __init__(self, images: Column) -> None:
        super().__init__()
        self.layer, self._images, self.seen = nn.Linear(4, 1), images, set[torch.dtype]()
        self.layer.register_forward_hook(lambda layer, given, said: self.seen.add(said.dtype))
        self.views = list[Tensor]()

    def parameter_groups(self) -> list[ParameterGroup]:
        return [{"params": [*self.parameters()], "lr": 0.1}]

    def forward(self, batch: int) -> dict[str, Tensor]:
        self.views.append(self._images.augmented(torch.arange(4), VIEWS))
        answer = self.precision(self.layer, self.views[-1].flatten()[:4])
        assert (answer @ answer).dtype == torch.float32
        return {"loss": answer.sum()}


VIEWS = random_views(4, 0.3, True, torch.Generator().manual_seed(1))


@pytest.mark.parametrize("precision", ["float32", "bfloat16", "float16"])
def test_layers_compute_in_the_precision_and_images_are_the_same_in_any(
    tiny_data: Path, tmp_path: Path, precision: Literal["float32", "bfloat16", "float16"]
) -> None:
    place = workspace(tiny_data, tmp_path)
    column = SourceData(place.recipe.dataset, place.recipe.data, place.reader()).column
    # a fixed translator's kernels are convolutions, which would be rounded
    column.normalise = nn.Sequential(column.normalise, nn.Conv2d(3, 3, 3, padding=1).requires_grad_(False))
    learner, plain = Types(column), column.augmented(torch.arange(4), VIEWS)
    fit(learner, Numbers(), Training(epochs=1, precision=precision), place)
    assert learner.seen == {getattr(torch, precision)}
    assert all(torch.equal(view, plain) for view in learner.views)
    assert plain.dtype == torch.float32


@pytest.mark.parametrize(("name", "left"), [("sgd", 1 - 0.1 * 0.5 * (1 + 0.9)), ("adamw", 1 - 0.1 * 0.5)])
def test_weights_decay_under_each_optimiser(name: Literal["sgd", "adamw"], left: float) -> None:
    weight = nn.Parameter(torch.ones(3))
    training = Training(optimiser=name, weight_decay=0.5, lr=0.1)
    optimiser = build_optimiser([{"params": [weight], "lr": training.lr}], training)
    weight.grad = torch.zeros(3)
    optimiser.step()
    torch.testing.assert_close(weight.detach(), torch.full((3,), left))


class Watched(Callback):
    """Notes whether the network is compiled between steps."""

    def __init__(self) -> None:
        self.model: nn.Module | None = None
        self.calls = list[object]()

    def epoch_ended(self, recipe: Recipe, row: Row, outputs: object) -> None:
        assert self.model is not None
        self.calls.append(self.model._compiled_call_impl)


@pytest.mark.slow
@pytest.mark.long
def test_compiled_steps_learn_what_plain_ones_do(
    tiny_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(compiling, "_BACKEND", "aot_eager")  # traces and differentiates; no kernels are built
    found: dict[str, dict[str, Tensor]] = {}
    for name in ("off", "kernels", "cuda_graphs"):
        place, watched = workspace(tiny_data, _made(tmp_path / name)), Watched()
        place.runtime, place.callback = place.runtime.model_copy(update={"compile": name}), watched
        data = SourceData(place.recipe.dataset, place.recipe.data, place.reader())
        config = SourceConfig(backbone="small", pretrained=False, epochs=2, batch=16, optimiser="sgd", lr=1e-3)
        place.seed_everything("init")
        watched.model = model = BottleneckClassifier("small", 3)
        fit(SourceLearner(model, config), data, config, place)
        assert watched.calls == [None, None]  # what is said of whole columns is computed plainly
        found[name] = model.state_dict()
    for name in ("kernels", "cuda_graphs"):
        assert found[name].keys() == found["off"].keys()
        for key, tensor in found["off"].items():
            torch.testing.assert_close(found[name][key], tensor, rtol=1e-3, atol=1e-5)
    assert torch._dynamo.utils.counters["stats"]["unique_graphs"] > 0
    torch._dynamo.reset()


def _made(folder: Path) -> Path:
    folder.mkdir()
    return folder


def test_frozen_depthwise_convolutions_stay_as_they_are(tiny_data: Path, tmp_path: Path) -> None:
    place = workspace(tiny_data, tmp_path)
    config = place.recipe.settings(SourceConfig).model_copy(update={"epochs": 1, "freeze_depthwise": True, "batch": 48})
    model = BottleneckClassifier("mobilenetv2_035", classes=3)
    before = {name: tensor.clone() for name, tensor in model.named_parameters()}
    depthwise = {id(layer.weight) for layer in depthwise_convolutions(model)}
    data = SourceData(place.recipe.dataset, place.recipe.data, place.reader())
    fit(SourceLearner(model, config), data, config, place)
    same = {id(tensor) for name, tensor in model.named_parameters() if torch.equal(tensor, before[name])}
    assert len(depthwise) == 17
    assert same == depthwise


class Slopes(Learner[int]):
    """One weight whose gradient is the batch's number. Remembers the weight before each batch, and ended steps."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros((), dtype=torch.float64))
        self.seen, self.ended = list[float](), 0

    def parameter_groups(self) -> list[ParameterGroup]:
        return [{"params": [self.weight], "lr": 0.1}]

    def forward(self, batch: int) -> dict[str, Tensor]:
        self.seen.append(self.weight.item())
        return {"loss": batch * self.weight}

    def end_step(self) -> None:
        self.ended += 1


@pytest.mark.parametrize(
    ("accumulate", "groups"), [(2, [(0, 1), (2, 3), (4,)]), (5, [(0, 1, 2, 3, 4)]), (9, [range(5)])]
)
def test_accumulated_batches_make_one_step_along_their_mean_gradient(
    tiny_data: Path, tmp_path: Path, accumulate: int, groups: list[tuple[int, ...]]
) -> None:
    learner = Slopes()
    training = Training(epochs=1, optimiser="sgd", weight_decay=0, schedule="constant", accumulate=accumulate)
    fit(learner, Numbers(), training, workspace(tiny_data, tmp_path))
    weight, velocity, seen = 0.0, 0.0, list[float]()
    for group in groups:
        seen += [weight] * len(group)
        gradient = sum(group) / len(group)
        velocity = 0.9 * velocity + gradient
        weight -= 0.1 * (gradient + 0.9 * velocity)
    assert learner.seen == pytest.approx(seen)
    assert learner.weight.item() == pytest.approx(weight)
    assert learner.ended == len(groups)
