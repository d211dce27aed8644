"""A tiny, learnable data set and experiments on it that train in about a second."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sfcmt.artifact import Artifact, Row
from sfcmt.callbacks import Callback
from sfcmt.data.dataset import Dataset
from sfcmt.data.images import Pixels
from sfcmt.data.manifest import Holes
from sfcmt.data.writer import DatasetInfo, DatasetWriter
from sfcmt.experiment import Experiment, parse_experiment
from sfcmt.recipe import Recipe
from sfcmt.recipes import bridge_recipe, source_recipe, transfer_recipe
from sfcmt.stages.method import METHODS
from sfcmt.stages.transfer_context import TransferContext
from sfcmt.store import Store
from sfcmt.workspace import Workspace

CLASSES = ("across", "down", "centre")
SIZE = 32
RECIPES = {"source": source_recipe, "bridge": bridge_recipe, "transfer": transfer_recipe}
_SHARED: dict[str, dict[str, Any]] = {
    "data": {"size": SIZE},
    "source": {"backbone": "small", "pretrained": False, "epochs": 2, "batch": 16, "lr": 2e-3, "head_lr": 1},
    "bridge": {"epochs": 2, "batch": 16},
    "transfer": {"epochs": 2, "batch": 16},
    "runtime": {"device": "cpu", "threads": 1},
}


def scene(kind: int, random: np.random.Generator) -> NDArray[np.float64]:
    """(SIZE, SIZE) in [0, 1]: bars across, bars down, a disc, and (for pairs) two kinds of slanting bars."""
    y, x = np.mgrid[:SIZE, :SIZE] + random.uniform(0, 8, size=(2, 1, 1))
    disc = np.hypot(y - SIZE / 2 - 4, x - SIZE / 2 - 4) < random.uniform(6, 11)
    waves = (np.sin(y), np.sin(x), 2.0 * disc - 1, np.sin(x + y), np.sin(x - y))
    values: NDArray[np.float64] = np.clip(0.5 + 0.3 * waves[kind] + random.normal(0, 0.05, size=y.shape), 0, 1)
    return values


def rgb(values: NDArray[np.float64]) -> NDArray[np.uint8]:
    """The source modality: the scene in warm colours."""
    return np.stack([255 * values, 160 * values, 80 * values]).astype(np.uint8)


def target(values: NDArray[np.float64], bits: int, holes: bool, channels: int = 1) -> Pixels:
    """The target modality: powers of the scene's negative; where there are `holes`, a block of zeros."""
    negative = 0.1 + 0.8 * (1 - values)
    if holes:
        negative[:5, :7] = 0
    pixels = np.stack([negative ** (1 + channel) for channel in range(channels)])
    if bits == 32:
        return (5 * pixels).astype(np.float32)
    stored: Pixels = (pixels * (2**bits - 1)).astype(np.uint16 if bits == 16 else np.uint8)
    return stored


def write_tiny(
    folder: Path,
    rows: int = 60,
    bits: int = 8,
    holes: Holes = "keep",
    labelled: bool = True,
    groups: int = 30,
    source_images: bool = True,
    channels: int = 1,
    pairs: bool = True,
    pair_rows: int | None = None,
) -> Path:
    """Write `rows` rows of each split (`pair_rows` of the pairs, if given) to `folder`; returns it."""
    random = np.random.default_rng(0)
    info = DatasetInfo("tiny", "rgb", "depth", CLASSES, {"made_for": "tests"}, holes, source_images, pairs)
    with DatasetWriter(folder, info) as writer:
        for row in range(rows):
            label, group = row % len(CLASSES), f"frame-{row % groups}"
            writer.add_source(rgb(scene(label, random)), label, group, f"source {row}")
            pair, seen = scene(3 + row % 2, random), scene(label, random)
            if pair_rows is None or row < pair_rows:
                writer.add_pair(rgb(pair), target(pair, bits, holes == "mask", channels), group, f"pair {row}")
            sealed: dict[str, Any] = {"label": label, "real_source": rgb(seen)} if labelled else {}
            writer.add_target(target(seen, bits, holes == "mask", channels), group, f"target {row}", **sealed)
    return folder


def tiny_experiment(folder: Path, store: Path | str, **changes: object) -> Experiment[Any]:
    """An experiment on `folder` that keeps its stages in `store`; a section's `changes` are merged into it."""
    raw: dict[str, Any] = {"method": "tgkt", **_SHARED, **changes}
    for name, fields in _SHARED.items():
        given: Any = changes.get(name, {})
        raw[name] = {**fields, **given}
    raw["data"] |= {"folder": str(folder)}
    raw["runtime"] |= {"store": str(store)}
    return parse_experiment(raw)


def recipe_of(kind: str, experiment: Experiment[Any], seed: int | None = None) -> Recipe:
    """The experiment's recipe of a kind."""
    dataset = Dataset(Path(experiment.data.folder or ""))
    return RECIPES[kind](experiment, dataset, experiment.seed if seed is None else seed)


def get_or_train(kind: str, experiment: Experiment[Any], callback: Callback | None = None) -> Artifact:
    """The experiment's artifact of a kind, found or trained."""
    store = Store(experiment.runtime.store)
    return store.get_or_train(recipe_of(kind, experiment), experiment.runtime, callback or Callback())


def context_of(experiment: Experiment[Any], folder: Path, seed: int | None = None) -> TransferContext[Any]:
    """What the experiment's method works with. `seed` is of the transfer only."""
    store, recipe = Store(experiment.runtime.store), recipe_of("transfer", experiment, seed)
    needed = recipe_of("transfer", experiment).upstream
    upstream = [store.get_or_train(one, experiment.runtime, Callback()) for one in needed]
    folder.mkdir(parents=True, exist_ok=True)
    workspace = Workspace(recipe, folder, store.root, upstream, experiment.runtime, Callback())
    return TransferContext(experiment.transfer, workspace, METHODS[experiment.method].start(experiment.transfer))


def contents(folder: Path) -> Mapping[str, bytes]:
    """A stage's weights and outputs, by file."""
    return {path.name: path.read_bytes() for path in sorted(folder.glob("*.safetensors"))}


class Recorder(Callback):
    """Remembers what it hears."""

    def __init__(self) -> None:
        self.started: list[str] = []
        self.ended: list[tuple[str, bool]] = []
        self.epochs: list[tuple[str, int]] = []

    def stage_started(self, recipe: Recipe, epochs: int) -> None:
        self.started.append(recipe.kind)

    def epoch_ended(self, recipe: Recipe, row: Row, outputs: object) -> None:
        self.epochs.append((recipe.kind, int(row["epoch"])))

    def stage_ended(self, recipe: Recipe, artifact: Artifact) -> None:
        self.ended.append((recipe.kind, artifact.reused))
