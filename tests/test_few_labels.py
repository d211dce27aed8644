"""Few labels of a user: what is read, what they are worth, and what they say of a model."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from sfcmt.data.dataset import Dataset
from sfcmt.data.schema import Split
from sfcmt.data.target_holdout import held_out
from sfcmt.errors import ConfigError
from sfcmt.few_labels import FewLabels, read_few_labels
from sfcmt.outputs import Outputs
from sfcmt.testing.tiny import CLASSES

FEW = FewLabels(("d", "a", "c"), (3, 0, 2), (0, 0, 1), ("cat", "dog", "owl"))


def says(*classes: int, sure: float = 1.0) -> Outputs:
    logits = sure * torch.nn.functional.one_hot(torch.tensor(classes), 3).float()
    rest = torch.ones(2, 3)
    return Outputs(logits, logits, rest, rest, rest, rest)


def table(folder: Path, rows: dict[str, str]) -> Path:
    path = folder / "few.csv"
    path.write_text("\n".join(["id,label", *(f"{id_},{label}" for id_, label in rows.items())]))
    return path


@pytest.mark.parametrize("said", [(0, 2, 1, 0), (0, 0, 0, 0), (1, 1, 1, 0), (2, 2, 2, 2)])
@pytest.mark.parametrize("rank", [0.0, 0.3, 1.0])
def test_each_recall_is_shrunk_by_one_label_to_the_rank(said: tuple[int, ...], rank: float) -> None:
    cats = (said[0] == 0) + (said[3] == 0)
    by_class = [(cats + rank) / 3, ((said[2] == 1) + rank) / 2, rank]  # an owl has no label
    assert FEW.combined(FEW.accuracy(says(*said)), rank) == pytest.approx(np.mean(by_class))
    assert FEW.accuracy(says(*said)) == FEW.accuracy(says(*said, sure=50))


def test_many_labels_leave_the_rank_little() -> None:
    many = FewLabels(tuple(map(str, range(300))), tuple(range(300)), tuple([0, 1, 2] * 100), ("cat", "dog", "owl"))
    assert many.weight == pytest.approx(100 / 101)
    assert [*many.warnings()] == []


def test_it_is_known_by_which_image_has_which_label() -> None:
    order = FewLabels(("c", "d", "a"), (2, 3, 0), (1, 0, 0), FEW.classes)
    assert order.document == FEW.document
    assert FEW.document["labels"] == 3
    assert FewLabels(FEW.ids, FEW.rows, (0, 0, 2), FEW.classes).document != FEW.document
    assert FewLabels.from_json(json.loads(json.dumps(FEW.as_json()))) == FEW


def test_what_is_read_is_told(tiny_data: Path, tmp_path: Path) -> None:
    dataset = Dataset(tiny_data)
    ids = dataset.columns(Split.TARGET, "id")["id"].to_pylist()
    few = read_few_labels(table(tmp_path, {ids[7]: "down", ids[2]: "across", ids[4]: "down"}), dataset, 0.0)
    assert (few.rows, few.labels, few.classes, few.unused) == ((7, 2, 4), (1, 0, 1), CLASSES, 0)
    assert few.text == "by 3 labels of the user's"
    assert [*few.warnings()] == [
        "no label of centre: label-free scores alone speak for what they are",
        "a single label of across",
    ]
    with pytest.raises(ConfigError, match="allowed: the id of a target image"):
        read_few_labels(table(tmp_path, {"x": "down"}), dataset, 0.0)


def test_labels_of_held_out_images_choose_nothing(tiny_data: Path, tmp_path: Path) -> None:
    dataset = Dataset(tiny_data)
    ids, out_N = dataset.columns(Split.TARGET, "id")["id"].to_pylist(), held_out(dataset, 0.3)
    out, kept = np.flatnonzero(out_N)[0], np.flatnonzero(~out_N)[0]
    few = read_few_labels(table(tmp_path, {ids[out]: "down", ids[kept]: "down"}), dataset, 0.3)
    assert (few.rows, few.unused) == ((kept,), 1)
    assert [*few.warnings()][-1] == "not used, as data.target_holdout keeps their images out: 1 labels"
    with pytest.raises(ConfigError, match=r"objective\.few_labels: .*one image at least that is not held out"):
        read_few_labels(table(tmp_path, {ids[out]: "down"}), dataset, 0.3)
