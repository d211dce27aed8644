"""The oracles are honest: cross-fitted, made anew when what is sealed changes, and nobody else's input."""

from __future__ import annotations

import io
import shutil
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from sfcmt.callbacks import Callback, Row
from sfcmt.data.dataset import Dataset
from sfcmt.data.schema import Sealed
from sfcmt.errors import DataError
from sfcmt.evaluation.labels import open_labels
from sfcmt.evaluation.oracles import FOLDS, LabelledTarget, RealSourceOracle, SupervisedOracle, folds_of, oracle_logits
from sfcmt.evaluation.scores import score
from sfcmt.models.target_model import TargetModel
from sfcmt.stages.stage import Stage, Workspace
from sfcmt.stages.transfer import TransferStage
from sfcmt.store import Artifact, Store
from tests.evaluation.resealed import column, reseal
from tests.tiny import contents, obtain, tiny_experiment, write_tiny


class Stop(Exception):  # noqa: N818  (not an error of ours)
    """What interrupts a training."""


class Epochs(Callback):
    """Counts epochs, and stops after so many."""

    def __init__(self, most: int = 1000) -> None:
        self.seen, self._most = 0, most

    def epoch_ended(self, stage: Stage, row: Row, outputs: object) -> None:
        self.seen += 1
        if self.seen == self._most:
            raise Stop


class WatchedOracle(SupervisedOracle):
    """Writes down which rows each fold is fitted on, and which it predicts."""

    def train(self, workspace: Workspace) -> dict[str, float]:
        self.fitted: list[tuple[set[int], set[int]]] = []
        return super().train(workspace)

    def _fit_fold(self, fold: int, data: LabelledTarget, workspace: Workspace, rows: Tensor) -> Tensor:
        self.fitted.append((set(data.rows.tolist()), set(rows.tolist())))
        return super()._fit_fold(fold, data, workspace, rows)


def make(kind: type[Stage], folder: Path, store: Path, callback: Callback | None = None, epochs: int = 2) -> Artifact:
    experiment = tiny_experiment(folder, store, source={"epochs": epochs})
    stage = kind(experiment, Dataset(folder), 0)
    return Store(store).obtain(stage, experiment.runtime, callback or Callback())


def test_frames_are_dealt_evenly_and_in_no_order_of_their_own() -> None:
    groups = [f"frame {number % 20}" for number in range(60)]
    fold_N = folds_of(groups)
    fold_of = dict(zip(groups, fold_N.tolist(), strict=True))
    assert all(fold_of[group] == fold for group, fold in zip(groups, fold_N.tolist(), strict=True))
    assert sorted(list(fold_of.values()).count(fold) for fold in range(FOLDS)) == [6, 7, 7]
    assert folds_of(groups[::-1]).tolist() == fold_N.tolist()[::-1]
    assert len({second - first for first, second in pairwise(fold_N.tolist())}) > 2


def test_no_image_is_predicted_by_a_model_that_saw_its_frame(tiny_data: Path, tmp_path: Path) -> None:
    experiment = tiny_experiment(tiny_data, tmp_path)
    stage = WatchedOracle(experiment, Dataset(tiny_data), 0)
    Store(tmp_path).obtain(stage, experiment.runtime, Callback())
    groups = open_labels(Dataset(tiny_data)).groups.to_pylist()
    assert sorted(row for _, predicted in stage.fitted for row in predicted) == list(range(60))
    for fitted, predicted in stage.fitted:
        assert len(fitted) > 30
        assert not {groups[row] for row in fitted} & {groups[row] for row in predicted}


def test_the_supervised_oracle_beats_chance(tiny_data: Path, tmp_path: Path) -> None:
    logits_NK = oracle_logits(make(SupervisedOracle, tiny_data, tmp_path, epochs=8))
    assert logits_NK.shape == (60, 3)
    assert score(logits_NK, open_labels(Dataset(tiny_data)).labels_N).balanced_accuracy > 0.6


def test_an_interrupted_oracle_goes_on_and_ends_with_the_same_bytes(tiny_data: Path, tmp_path: Path) -> None:
    whole = make(SupervisedOracle, tiny_data, tmp_path / "whole")
    with pytest.raises(Stop):
        make(SupervisedOracle, tiny_data, tmp_path / "halves", Epochs(most=3))
    rest = Epochs()
    halves = make(SupervisedOracle, tiny_data, tmp_path / "halves", rest)
    assert rest.seen == 2 * FOLDS - 3 + 2  # the two folds that had begun tell their last epochs again
    assert contents(halves.path) == contents(whole.path)
    assert sorted(path.name for path in halves.path.iterdir()) == ["artifact.json", "logits.safetensors"]


def test_too_few_frames_are_refused(tmp_path: Path) -> None:
    folder = write_tiny(tmp_path / "data", rows=12, groups=2)
    with pytest.raises(DataError, match="3 or more frames"):
        make(SupervisedOracle, folder, tmp_path / "store")


def test_other_labels_make_another_oracle_and_the_same_transfer(tiny_data: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(tiny_data, tmp_path / "data"))
    labels = column(folder, Sealed.LABELS, "label")
    reseal(folder, Sealed.LABELS, label=labels[1:] + labels[:1])
    experiment = tiny_experiment(tiny_data, tmp_path)

    def same(kind: type[Stage]) -> bool:
        before, after = (kind(experiment, Dataset(place), 0).identity for place in (tiny_data, folder))
        return before == after

    assert not same(SupervisedOracle)
    assert same(RealSourceOracle)
    assert same(TransferStage)
    reseal(folder, Sealed.REAL_SOURCE, image=column(folder, Sealed.REAL_SOURCE, "image")[::-1])
    assert not same(RealSourceOracle)
    assert same(TransferStage)


def test_the_real_source_oracle_is_the_source_model_on_the_real_images(tiny_data: Path, tiny_store: Path) -> None:
    source = TargetModel.load(obtain("source", tiny_experiment(tiny_data, tiny_store)).path)
    encoded = column(tiny_data, Sealed.REAL_SOURCE, "image")
    images = [np.asarray(Image.open(io.BytesIO(data))) for data in encoded if isinstance(data, bytes)]
    with torch.no_grad():
        expected = source(torch.from_numpy(np.stack(images)).permute(0, 3, 1, 2).float())
    logits_NK = oracle_logits(make(RealSourceOracle, tiny_data, tiny_store))
    assert len(images) == 60
    torch.testing.assert_close(logits_NK, expected, rtol=1e-4, atol=1e-4)
    assert score(logits_NK, open_labels(Dataset(tiny_data)).labels_N).accuracy > 0.6
