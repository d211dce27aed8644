"""One worker and several learn the same from the same global batches.

Trainings are compared in float64, where the order of sums is worth some 1e-10 of a weight after these few steps. In
float32 AdamW makes it worth all that a weight moves whose true gradient is nought, such as a bias before a batch norm.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.multiprocessing.spawn import ProcessExitedException

from sfcmt.artifact import Row
from sfcmt.callbacks import Callback
from sfcmt.config import BridgeConfig, SourceConfig, Training
from sfcmt.data.batches import SourceData
from sfcmt.data.dataset import Dataset
from sfcmt.distributed import GroupError, rank
from sfcmt.evaluation.labels import open_labels
from sfcmt.evaluation.oracles import LabelledTarget, fold_recipe
from sfcmt.models.bottleneck import BottleneckClassifier
from sfcmt.models.target_model import TargetModel
from sfcmt.models.translators import TRANSLATORS
from sfcmt.outputs import NAMES, Outputs
from sfcmt.recipe import Recipe
from sfcmt.stages.bridge import BridgeLearner
from sfcmt.stages.fit import DivergedError, fit
from sfcmt.stages.learner import Learner, ParameterGroup
from sfcmt.stages.method import METHODS
from sfcmt.stages.source import SourceLearner
from sfcmt.stages.transfer_context import TransferContext
from sfcmt.testing.tiny import RECIPES, Recorder, context_of, get_or_train, recipe_of, tiny_experiment, write_tiny
from sfcmt.workspace import Workspace
from tests.groups import in_group

pytestmark = pytest.mark.slow
BATCH = 7  # shares of 4 and 3, or 3, 2 and 2
SMALL: dict[str, dict[str, Any]] = {
    "data": {"size": 16},
    "source": {"batch": BATCH, "epochs": 1},
    "bridge": {"batch": BATCH, "alpha_d": 0.3, "alpha_im": 1.0, "perceptual": 0.5, "bn_matching": 0.5},
    "transfer": {"batch": BATCH},
}
EVERY_TERM = {"beta_im": 0.1, "beta_pair_kl": 0.1, "beta_relations": 0.1, "beta_neighbours": 0.1, "ema": 0.5}
JOBS: dict[str, tuple[str, dict[str, Any]]] = {
    "source": ("source", {}),
    "bridge": ("bridge", {}),
    "oracle": ("oracle", {}),
    "bridge without discriminator": ("bridge", {"alpha_d": 0.0, "translator": "unet"}),
    **{method: (method, {}) for method in METHODS},
    "every term": ("tgkt", EVERY_TERM | {"pseudo": {"weighting": "softmatch"}, "teacher_view": "augmented"}),
    "accumulated": ("tgkt", EVERY_TERM | {"pseudo": {"weighting": "freematch"}, "accumulate": 2, "optimiser": "sgd"}),
}


class Learnt(NamedTuple):
    """What a training ends with."""

    curves: list[Row]
    tensors: dict[str, Tensor]


def learnt(job: str, data: Path, store: Path, folder: Path, callback: Callback | None = None) -> Learnt:
    """Do a job in float64."""
    kind, changes = JOBS[job]
    method = kind if kind in METHODS else "tgkt"
    transfer = SMALL["transfer"] | (changes if kind in METHODS else {})
    experiment = tiny_experiment(data, store, **SMALL | {"transfer": transfer}, method=method)
    context = context_of(experiment, folder / job)
    context.workspace.callback = callback or Callback()
    in_float64(context)
    if kind == "source":
        return source_learnt(context)
    if kind == "bridge":
        return bridge_learnt(context, changes)
    if kind == "oracle":
        return oracle_learnt(context)
    model = METHODS[kind]().adapt(context).eval()
    outputs = context.answers(model).outputs
    answers = {name: getattr(outputs, name) for name in NAMES}
    return Learnt(context.workspace.curves, model.state_dict() | answers)


def in_float64(context: TransferContext[Any]) -> None:
    """Make the frozen models float64, and the images that enter any."""
    modules: list[nn.Module] = [context.source, *context.models.values()]
    modules += [
        column.normalise for column in (context.data.target, context.data.pair_target, context.data.pair_source)
    ]
    if METHODS[context.workspace.recipe.name].needs_bridge(context.config):
        modules.append(context.translator)
    for module in modules:
        module.double()


def source_learnt(context: TransferContext[Any]) -> Learnt:
    """Train a source model as `train_source` does."""
    workspace = context.workspace
    recipe, dataset = workspace.recipe, workspace.recipe.dataset
    config = recipe.needed("source").settings(SourceConfig)
    data = SourceData(dataset, recipe.data, workspace.reader())
    data.column.normalise.double()
    workspace.seed_everything("init")
    model = BottleneckClassifier(config.backbone, len(dataset.classes)).double()
    fit(SourceLearner(model, config), data, config, workspace)
    return Learnt(workspace.curves, model.state_dict())


def oracle_learnt(context: TransferContext[Any]) -> Learnt:
    """Train on labelled target images as `train_fold` does."""
    workspace = context.workspace
    config = workspace.recipe.needed("source").settings(SourceConfig)
    data = LabelledTarget(context.data.target, open_labels(workspace.recipe.dataset).labels_N, torch.arange(2 * BATCH))
    workspace.seed_everything("init")
    model = BottleneckClassifier(config.backbone, len(workspace.recipe.dataset.classes)).double()
    fit(SourceLearner(model, config), data, config, workspace)
    return Learnt(workspace.curves, model.state_dict())


def bridge_learnt(context: TransferContext[Any], changes: dict[str, Any]) -> Learnt:
    """Train a translator as `train_bridge` does."""
    config = context.workspace.recipe.needed("bridge").settings(BridgeConfig).model_copy(update=changes)
    context.workspace.seed_everything("init")
    translator = TRANSLATORS[config.translator](1)
    learner = BridgeLearner(translator, context.source, config).double()
    fit(learner, context.data, config, context.workspace)
    return Learnt(context.workspace.curves, translator.state_dict())


def all_learnt(jobs: list[str], data: Path, store: Path, folder: Path) -> dict[str, Learnt]:
    """Do jobs one after another."""
    return {job: learnt(job, data, store, folder) for job in jobs}


def is_same(found: Learnt, expected: Learnt) -> bool:
    """To the last bit."""
    same = (torch.equal(found.tensors[name], tensor) for name, tensor in expected.tensors.items())
    return found.curves == expected.curves and all(same)


def assert_alike(found: Learnt, expected: Learnt, job: str) -> None:
    """The curves to the float32 that they are kept in, the rest to far less than a step of the optimiser."""
    assert len(found.curves) == len(expected.curves)
    for ours, theirs in zip(found.curves, expected.curves, strict=True):
        assert ours == pytest.approx(theirs, rel=1e-5, abs=1e-7)
    assert found.tensors.keys() == expected.tensors.keys()
    for name, tensor in expected.tensors.items():
        torch.testing.assert_close(found.tensors[name], tensor, rtol=1e-6, atol=1e-7, msg=f"{job}: {name}")


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny(tmp_path_factory.mktemp("data") / "tiny", rows=3 * BATCH)


@pytest.fixture(scope="module")
def store(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with the source model and the bridge of all jobs."""
    store = tmp_path_factory.mktemp("store")
    get_or_train("bridge", tiny_experiment(data, store, **SMALL))
    return store


def test_no_stage_and_no_method_is_left_out() -> None:
    assert {kind for kind, _ in JOBS.values()} >= {"source", "bridge", "oracle", *METHODS}
    assert all(SMALL["bridge"][weight] > 0 for weight in ("alpha_d", "alpha_im", "perceptual", "bn_matching"))


@pytest.mark.parametrize(
    ("workers", "jobs"),
    [(2, [*JOBS]), (3, ["bridge", "every term", "oracle"]), pytest.param(3, [*JOBS], marks=pytest.mark.long)],
    ids=["two", "three", "three, all"],
)
def test_several_workers_learn_what_one_learns(
    data: Path, store: Path, tmp_path: Path, workers: int, jobs: list[str]
) -> None:
    alone = all_learnt(jobs, data, store, tmp_path / "alone")
    main, *others = in_group(workers, all_learnt, jobs, data, store, tmp_path / "together")
    for job in jobs:
        assert_alike(main[job], alone[job], job)
        assert all(is_same(other[job], main[job]) for other in others), job


class Killer(Callback):
    """Ends the main worker in the middle of the second epoch."""

    def advanced(self, recipe: Recipe, epochs: float) -> None:
        if epochs > 1.4:
            os.kill(os.getpid(), signal.SIGKILL)


def killed(job: str, data: Path, store: Path, folder: Path) -> None:
    """Begin a job."""
    learnt(job, data, store, folder, Killer())


def resumed(job: str, data: Path, store: Path, folder: Path) -> tuple[Learnt, list[tuple[str, int]]]:
    """Go on with it, and say which epochs that took."""
    recorder = Recorder()
    return learnt(job, data, store, folder, recorder), recorder.epochs


def test_killed_workers_go_on_from_their_checkpoint_as_many_as_before_or_fewer(
    data: Path, store: Path, tmp_path: Path
) -> None:
    job = "every term"
    undisturbed = in_group(2, learnt, job, data, store, tmp_path / "undisturbed")[0]
    with pytest.raises(ProcessExitedException):
        in_group(2, killed, job, data, store, tmp_path / "two")
    assert [path.name for path in (tmp_path / "two" / job).iterdir()] == ["checkpoint.safetensors"]
    shutil.copytree(tmp_path / "two", tmp_path / "one")
    for found, epochs in in_group(2, resumed, job, data, store, tmp_path / "two"):
        assert epochs == [("transfer", 1), ("transfer", 2)]
        assert is_same(found, undisturbed)
    found, epochs = resumed(job, data, store, tmp_path / "one")
    assert epochs == [("transfer", 1), ("transfer", 2)]
    assert_alike(found, undisturbed, job)


class Told(Callback):
    """Asks for the outputs after each epoch."""

    def __init__(self) -> None:
        self.started, self.epochs, self.steps, self.outputs = list[str](), list[float](), 0, list[Outputs]()

    def stage_started(self, recipe: Recipe, epochs: int) -> None:
        self.started.append(recipe.kind)

    def advanced(self, recipe: Recipe, epochs: float) -> None:
        self.steps += 1

    def epoch_ended(self, recipe: Recipe, row: Row, outputs: Callable[[], Outputs | None]) -> None:
        self.epochs.append(row["epoch"])
        self.outputs += [found for found in [outputs()] if found is not None]


def run(data: Path, store: Path, folder: Path) -> Told:
    """Run one stage of each kind, as whoever starts a group does; SOCKET's, with a parameter of a term's own.

    And one of the oracle that learns from labels.
    """
    experiment = tiny_experiment(
        data, store, **SMALL | {"transfer": {"batch": BATCH, "as_released": True}}, method="socket"
    )
    told, fold = Told(), fold_recipe(experiment, Dataset(data), 0, 0)
    for kind, recipe in [*((kind, recipe_of(kind, experiment)) for kind in RECIPES), ("fold", fold)]:
        upstream = [get_or_train(needed.kind, experiment) for needed in recipe.upstream]
        (folder / kind).mkdir(parents=True, exist_ok=True)
        Workspace(recipe, folder / kind, store, upstream, experiment.runtime, told).run()
        assert (folder / kind / "result.json").exists()
    return told


def test_a_group_leaves_the_files_of_one_worker_and_only_its_main_worker_tells(
    data: Path, store: Path, tmp_path: Path
) -> None:
    ours, other = in_group(2, run, data, store, tmp_path / "two")
    alone = run(data, store, tmp_path / "one")
    assert files(tmp_path / "two") == files(tmp_path / "one")
    for kind in (*RECIPES, "fold"):
        one, two = (json.loads((tmp_path / name / kind / "curves.json").read_text())[0] for name in ("one", "two"))
        assert two == pytest.approx(one, rel=1e-2)  # float32: 1e-3 at most were seen
    for kind in ("source", "transfer"):
        assert not any("Synchronised" in type(m).__name__ for m in TargetModel.load(tmp_path / "two" / kind).modules())
    assert (
        (ours.started, ours.steps)
        == (alone.started, alone.steps)
        == ([*RECIPES, "oracle_fold"], 2 * 1 + 3 * 2 + 3 * 2 + 2 * 1)
    )  # of 18, 21, 21 and 14 rows
    assert (other.started, other.steps) == ([], 0)
    assert ours.epochs == other.epochs == alone.epochs == [1, 1, 2, 1, 2, 1]
    assert len(ours.outputs) == 2
    for mine, theirs in zip(ours.outputs, other.outputs, strict=True):
        assert torch.equal(mine.target_logits, theirs.target_logits)


def files(folder: Path) -> dict[str, Any]:
    """All files but checkpoints, and what tensors of which shapes are in them."""
    return {
        str(path.relative_to(folder)): _tensors(path) if path.suffix == ".safetensors" else None
        for path in folder.rglob("*")
        if path.is_file() and path.stem != "checkpoint"
    }


def _tensors(path: Path) -> dict[str, tuple[torch.Size, torch.dtype]]:
    return {name: (tensor.shape, tensor.dtype) for name, tensor in load_file(path).items()}


class BreaksDown(Learner[int]):
    """A loss that is no number, on one worker only."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(()))

    def parameter_groups(self) -> list[ParameterGroup]:
        return [{"params": [self.weight], "lr": 0.1}]

    def forward(self, batch: int) -> dict[str, Tensor]:
        return {"loss": self.weight * (float("nan") if rank() == 1 else 1.0)}


class Numbers:
    """Two batches an epoch."""

    def steps(self, training: Training) -> int:
        return 2

    def epoch(self, training: Training, generator: torch.Generator) -> Iterator[int]:
        yield from range(2)


class LooksAlone(BreaksDown):
    """A loss of what one worker sees, which the others do not."""

    def forward(self, batch: int) -> dict[str, Tensor]:
        return {"loss": self.weight * (1.0 + rank())}


def differing(data: Path, store: Path, folder: Path) -> str:
    return _error_of(LooksAlone(), data, store, folder)


def broken_down(data: Path, store: Path, folder: Path) -> str:
    return _error_of(BreaksDown(), data, store, folder)


def _error_of(learner: BreaksDown, data: Path, store: Path, folder: Path) -> str:
    experiment = tiny_experiment(data, store, **SMALL)
    folder.mkdir(exist_ok=True)
    workspace = Workspace(recipe_of("source", experiment), folder, store, [], experiment.runtime, Callback())
    try:
        fit(learner, Numbers(), Training(), workspace)
    except (DivergedError, GroupError) as error:
        return str(error)
    return ""


def test_a_loss_that_breaks_down_on_one_worker_is_an_error_on_all(data: Path, store: Path, tmp_path: Path) -> None:
    first, second = in_group(2, broken_down, data, store, tmp_path / "work")
    assert first == second
    assert "source: diverged in epoch 1 (loss nan)" in first
    assert not list((tmp_path / "work").iterdir())


def test_a_learner_whose_workers_do_not_look_at_the_whole_batch_is_refused(
    data: Path, store: Path, tmp_path: Path
) -> None:
    first, second = in_group(2, differing, data, store, tmp_path / "work")
    assert first == second == "workers differ in their losses: a learner must compute them of the whole batch"
