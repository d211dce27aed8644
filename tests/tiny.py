"""A tiny, learnable data set and experiments on it that train in about a second."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sfcmt.callbacks import Callback, Row
from sfcmt.data.dataset import Dataset
from sfcmt.data.manifest import Holes
from sfcmt.data.writer import DatasetInfo, DatasetWriter
from sfcmt.experiment import Experiment, parse_experiment
from sfcmt.stages.bridge import BridgeStage
from sfcmt.stages.setting import Setting
from sfcmt.stages.source import SourceStage
from sfcmt.stages.stage import Stage, Workspace
from sfcmt.stages.transfer import TransferStage
from sfcmt.store import Artifact, Store

CLASSES = ("across", "down", "centre")
SIZE = 32
STAGES: dict[str, type[Stage]] = {"source": SourceStage, "bridge": BridgeStage, "transfer": TransferStage}
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


def target(values: NDArray[np.float64], bits: int, holes: bool) -> NDArray[np.uint8] | NDArray[np.uint16]:
    """The target modality: the scene's negative, in one channel; where there are `holes`, a block of zeros."""
    negative = 0.1 + 0.8 * (1 - values)
    if holes:
        negative[:5, :7] = 0
    pixels = (negative * (2**bits - 1))[None]
    stored: NDArray[np.uint8] | NDArray[np.uint16] = pixels.astype(np.uint16 if bits == 16 else np.uint8)
    return stored


def write_tiny(
    folder: Path, rows: int = 60, bits: int = 8, holes: Holes = "keep", labelled: bool = True, groups: int = 30
) -> Path:
    """Write `rows` rows of each split to `folder`; returns it."""
    random = np.random.default_rng(0)
    info = DatasetInfo("tiny", "rgb", "depth", CLASSES, {"made_for": "tests"}, holes)
    with DatasetWriter(folder, info) as writer:
        for row in range(rows):
            label, group = row % len(CLASSES), f"frame-{row % groups}"
            writer.add_source(rgb(scene(label, random)), label, group, f"source {row}")
            pair, seen = scene(3 + row % 2, random), scene(label, random)
            writer.add_pair(rgb(pair), target(pair, bits, holes == "mask"), group, f"pair {row}")
            sealed: dict[str, Any] = {"label": label, "real_source": rgb(seen)} if labelled else {}
            writer.add_target(target(seen, bits, holes == "mask"), group, f"target {row}", **sealed)
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


def stage_of(kind: str, experiment: Experiment[Any], seed: int | None = None) -> Stage:
    """The experiment's stage of a kind."""
    dataset = Dataset(Path(experiment.data.folder or ""))
    return STAGES[kind](experiment, dataset, experiment.seed if seed is None else seed)


def obtain(kind: str, experiment: Experiment[Any], callback: Callback | None = None) -> Artifact:
    """The experiment's artifact of a kind, found or trained."""
    store = Store(experiment.runtime.store)
    return store.obtain(stage_of(kind, experiment), experiment.runtime, callback or Callback())


def setting_of(experiment: Experiment[Any], folder: Path, seed: int | None = None) -> Setting[Any]:
    """What the experiment's method works with. `seed` is of the transfer only."""
    store, stage = Store(experiment.runtime.store), stage_of("transfer", experiment, seed)
    needed = stage_of("transfer", experiment).upstream
    upstream = [store.obtain(one, experiment.runtime, Callback()) for one in needed]
    folder.mkdir(parents=True, exist_ok=True)
    return Setting(experiment.transfer, Workspace(stage, folder, store.root, upstream, experiment.runtime, Callback()))


def contents(folder: Path) -> Mapping[str, bytes]:
    """A stage's weights and outputs, by file."""
    return {path.name: path.read_bytes() for path in sorted(folder.glob("*.safetensors"))}


class Recorder(Callback):
    """Remembers what it hears."""

    def __init__(self) -> None:
        self.started: list[str] = []
        self.ended: list[tuple[str, bool]] = []
        self.epochs: list[tuple[str, int]] = []

    def stage_started(self, stage: Stage, epochs: int) -> None:
        self.started.append(stage.kind)

    def epoch_ended(self, stage: Stage, row: Row, outputs: object) -> None:
        self.epochs.append((stage.kind, int(row["epoch"])))

    def stage_ended(self, stage: Stage, artifact: Artifact) -> None:
        self.ended.append((stage.kind, artifact.reused))
