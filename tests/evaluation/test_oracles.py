"""The oracles are honest: cross-fitted, made anew when what is sealed changes, and nobody else's input."""

from __future__ import annotations

import io
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from sfcmt.artifact import Artifact, Row
from sfcmt.callbacks import Callback
from sfcmt.config import Training
from sfcmt.data.dataset import Dataset
from sfcmt.data.schema import Sealed
from sfcmt.errors import DataError
from sfcmt.evaluation import oracles
from sfcmt.evaluation.folds import FOLDS, folds_of
from sfcmt.evaluation.labels import open_labels
from sfcmt.evaluation.oracles import (
    LabelledTarget,
    fold_recipe,
    oracle_logits,
    real_source_recipe,
    supervised_recipe,
)
from sfcmt.evaluation.scores import score
from sfcmt.experiment import Experiment
from sfcmt.models.target_model import TargetModel
from sfcmt.recipe import Recipe
from sfcmt.recipes import transfer_recipe
from sfcmt.stages.fit import fit
from sfcmt.stages.source import SourceLearner
from sfcmt.store import Store
from sfcmt.testing.tiny import contents, get_or_train, tiny_experiment, write_tiny
from sfcmt.tuning.comparison import Comparison
from sfcmt.workspace import Workspace
from tests.evaluation.resealed import column, reseal

Kind = Callable[[Experiment[Any], Dataset, int], Recipe]


class Stop(Exception):  # noqa: N818  (not an error of ours)
    """What interrupts a training."""


class Epochs(Callback):
    """Counts epochs, and stops after so many."""

    def __init__(self, most: int = 1000) -> None:
        self.seen, self._most = 0, most

    def epoch_ended(self, recipe: Recipe, row: Row, outputs: object) -> None:
        self.seen += 1
        if self.seen == self._most:
            raise Stop


def make(kind: Kind, folder: Path, store: Path, callback: Callback | None = None, epochs: int = 2) -> Artifact:
    experiment = tiny_experiment(folder, store, source={"epochs": epochs})
    recipe = kind(experiment, Dataset(folder), 0)
    return Store(store).get_or_train(recipe, experiment.runtime, callback or Callback())


@pytest.mark.slow
def test_no_image_is_predicted_by_a_model_that_saw_its_frame(
    tiny_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fitted: dict[int, set[int]] = {}

    def watched(learner: SourceLearner, data: LabelledTarget, training: Training, workspace: Workspace) -> None:
        fitted[workspace.recipe.more["fold"]] = set(data.rows.tolist())
        fit(learner, data, training, workspace)

    monkeypatch.setattr(oracles, "fit", watched)
    logits_NK = oracle_logits(make(supervised_recipe, tiny_data, tmp_path))
    target = open_labels(Dataset(tiny_data))
    groups = target.groups.to_pylist()
    fold_N = folds_of(groups, target.labels_N.tolist()).tolist()
    assert sorted(fitted) == list(range(FOLDS))
    for fold, rows in fitted.items():
        assert len(rows) > 30
        assert not {groups[row] for row in rows} & {groups[row] for row in range(60) if fold_N[row] == fold}
        recipe = fold_recipe(tiny_experiment(tiny_data, tmp_path, source={"epochs": 2}), Dataset(tiny_data), 0, fold)
        own = Store(tmp_path).find(recipe)
        assert own is not None
        assert torch.equal(oracle_logits(own), logits_NK[torch.tensor(fold_N) == fold])


@pytest.mark.slow
def test_the_supervised_oracle_beats_chance(tiny_data: Path, tmp_path: Path) -> None:
    logits_NK = oracle_logits(make(supervised_recipe, tiny_data, tmp_path, epochs=8))
    assert logits_NK.shape == (60, 3)
    assert score(logits_NK, open_labels(Dataset(tiny_data)).labels_N).balanced_accuracy > 0.6


@pytest.mark.slow
def test_an_interrupted_oracle_goes_on_and_ends_with_the_same_bytes(tiny_data: Path, tmp_path: Path) -> None:
    whole = make(supervised_recipe, tiny_data, tmp_path / "whole")
    with pytest.raises(Stop):
        make(supervised_recipe, tiny_data, tmp_path / "halves", Epochs(most=3))
    rest = Epochs()
    halves = make(supervised_recipe, tiny_data, tmp_path / "halves", rest)
    assert rest.seen == 2 * FOLDS - 3 + 1  # the fold that had begun tells its last epoch again
    assert contents(halves.path) == contents(whole.path)
    assert sorted(path.name for path in halves.path.iterdir()) == ["artifact.json", "logits.safetensors"]


def test_too_few_frames_are_refused_before_anything_is_trained(tmp_path: Path) -> None:
    folder = write_tiny(tmp_path / "data", rows=12, groups=2)
    with pytest.raises(DataError, match=r"3 or more frames, not 2; leave the oracles out"):
        Comparison(tiny_experiment(folder, tmp_path / "store"), ["source_only"], [0], oracles=True)
    Comparison(tiny_experiment(folder, tmp_path / "store"), ["source_only"], [0])


def test_other_labels_make_another_oracle_and_the_same_transfer(tiny_data: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(tiny_data, tmp_path / "data"))
    labels = column(folder, Sealed.LABELS, "label")
    reseal(folder, Sealed.LABELS, label=labels[1:] + labels[:1])
    experiment = tiny_experiment(tiny_data, tmp_path)

    def same(kind: Kind) -> bool:
        before, after = (kind(experiment, Dataset(place), 0).identity for place in (tiny_data, folder))
        return before == after

    assert not same(supervised_recipe)
    assert same(real_source_recipe)
    assert same(transfer_recipe)
    reseal(folder, Sealed.REAL_SOURCE, image=column(folder, Sealed.REAL_SOURCE, "image")[::-1])
    assert not same(real_source_recipe)
    assert same(transfer_recipe)


@pytest.mark.slow
def test_the_real_source_oracle_is_the_source_model_on_the_real_images(tiny_data: Path, tiny_store: Path) -> None:
    source = TargetModel.load(get_or_train("source", tiny_experiment(tiny_data, tiny_store)).path)
    encoded = column(tiny_data, Sealed.REAL_SOURCE, "image")
    images = [np.asarray(Image.open(io.BytesIO(data))) for data in encoded if isinstance(data, bytes)]
    with torch.no_grad():
        expected = source(torch.from_numpy(np.stack(images)).permute(0, 3, 1, 2).float())
    logits_NK = oracle_logits(make(real_source_recipe, tiny_data, tiny_store))
    assert len(images) == 60
    torch.testing.assert_close(logits_NK, expected, rtol=1e-4, atol=1e-4)
    assert score(logits_NK, open_labels(Dataset(tiny_data)).labels_N).accuracy > 0.6
