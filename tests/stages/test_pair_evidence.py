"""What pairs tell of target images, from a data set and a source model."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

from sfcmt.callbacks import Callback
from sfcmt.data.dataset import Dataset
from sfcmt.data.schema import Split
from sfcmt.grounding.evidence import PairEvidence
from sfcmt.recipes import pair_evidence_recipe
from sfcmt.stages import pair_evidence
from sfcmt.stages.pair_evidence import nearest, spread
from sfcmt.store import Store
from sfcmt.testing.tiny import tiny_experiment, write_tiny


def test_the_nearest_are_those_of_the_greatest_cosine_of_centred_features(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pair_evidence, "_ROWS", 4)
    query_ND, key_MD = (torch.randn(rows, 5, generator=torch.Generator().manual_seed(rows)) for rows in (9, 7))
    q, k = (x.double().numpy() for x in (query_ND - query_ND.mean(dim=0), key_MD - key_MD.mean(dim=0)))
    cosines = q @ k.T / np.linalg.norm(q, axis=1)[:, None] / np.linalg.norm(k, axis=1)
    found = nearest(query_ND, key_MD, 3)
    np.testing.assert_array_equal(found.numpy(), np.argsort(-cosines, axis=1)[:, :3])
    assert nearest(query_ND, key_MD, 20).shape == (9, 7)


def test_of_many_rows_some_are_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    assert spread(7).tolist() == [*range(7)]
    monkeypatch.setattr(pair_evidence, "_MOST", 4)
    assert spread(10).tolist() == [0, 3, 6, 9]


def evidence_of(folder: Path, store: Path) -> PairEvidence:
    experiment = tiny_experiment(folder, store)
    recipe = pair_evidence_recipe(experiment, Dataset(folder), 0)
    assert recipe is not None
    artifact = Store(store).get_or_train(recipe, experiment.runtime, Callback())
    before = "the data set does not tell frames of target images: each counts as a frame"
    assert artifact.notes == ([] if Dataset(folder).frames(Split.TARGET) is not None else [before])
    return PairEvidence.load(artifact.path)


def test_it_covers_all_rows_with_their_frames(tiny_data: Path, tmp_path: Path) -> None:
    dataset, found = Dataset(tiny_data), evidence_of(tiny_data, tmp_path / "store")
    targets, pairs = (dataset.manifest.entry(split).rows for split in (Split.TARGET, Split.PAIRS))
    assert found.nearest_nk.shape == (targets, min(5, pairs))
    assert found.probabilities_MK.shape == (pairs, len(dataset.classes))
    np.testing.assert_allclose(found.probabilities_MK.sum(axis=1), 1)
    for split, frames in ((Split.TARGET, found.target_frames_n), (Split.PAIRS, found.pair_frames_M)):
        np.testing.assert_array_equal(frames, dataset.frames(split))


def test_a_data_set_without_frames_counts_images(tiny_data: Path, tmp_path: Path) -> None:
    data = Path(shutil.copytree(tiny_data, tmp_path / "data"))
    manifest = json.loads((data / "manifest.json").read_text())
    del manifest["public"]
    (data / "manifest.json").write_text(json.dumps(manifest | {"format": 2}))
    found = evidence_of(data, tmp_path / "store")
    assert found.target_frames_n.tolist() == [*range(len(found.rows_n))]


def test_no_pairs_no_evidence_and_no_method_changes_it(tiny_data: Path, tmp_path: Path) -> None:
    without = write_tiny(tmp_path / "data", pairs=False)
    experiment = tiny_experiment(without, tmp_path)
    assert pair_evidence_recipe(experiment, Dataset(without), 0) is None
    experiment = tiny_experiment(tiny_data, tmp_path)
    others = (experiment, experiment.with_method("shot"), tiny_experiment(tiny_data, tmp_path, transfer={"lr": 1}))
    recipes = [pair_evidence_recipe(one, Dataset(tiny_data), 0) for one in others]
    assert len({recipe.identity for recipe in recipes if recipe}) == 1
