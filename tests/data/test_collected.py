"""A data set of what a caller holds: under one name whatever the form, with labels where they are sealed."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sfcmt.data.collected import CollectedData
from sfcmt.data.collection import collected, collected_pairs
from sfcmt.data.dataset import Dataset, read_part
from sfcmt.data.images import decode
from sfcmt.data.importer import import_dataset
from sfcmt.data.reading import Reading
from sfcmt.data.schema import Sealed, Split
from sfcmt.errors import DataError
from tests.data.trees import depth, paired_tree, rgb

TARGET = [depth(seed)[None] for seed in range(5)]
PAIRS = ([rgb(seed).transpose(2, 0, 1) for seed in range(4)], [depth(seed)[None] for seed in range(4)])


class Labelled:
    """A torch data set in the form of torchvision's."""

    classes = ("cat", "dog")

    def __init__(self, labels: Sequence[Any]) -> None:
        self._labels = labels

    def __len__(self) -> int:
        return len(self._labels)

    def __getitem__(self, place: int) -> tuple[Any, Any]:
        return TARGET[place], self._labels[place]


def data_of(target: Any = TARGET, pairs: Any = PAIRS, **options: Any) -> CollectedData:
    return CollectedData(collected(target, "target"), collected_pairs(pairs), **options)


def test_rows(tmp_path: Path) -> None:
    dataset = Dataset(data_of().stored(tmp_path))
    assert dataset.splits == (Split.PAIRS, Split.TARGET)
    assert dataset.folder.parent == tmp_path / "data"
    assert dataset.manifest.classes == ()
    assert set(dataset.manifest.sealed) == {Sealed.ORIGINS}
    found = [decode(row, "x") for row in dataset.table(Split.PAIRS)["source_image"].to_pylist()]
    np.testing.assert_array_equal(found, PAIRS[0])


def test_the_same_images_are_the_same_data_set(tmp_path: Path) -> None:
    first = data_of().stored(tmp_path)
    before = first.stat().st_mtime_ns
    assert data_of(np.stack(TARGET), (np.stack(PAIRS[0]), PAIRS[1])).stored(tmp_path) == first
    assert first.stat().st_mtime_ns == before
    others = [
        data_of(TARGET[::-1]),
        data_of(TARGET[:4]),
        data_of(pairs=(PAIRS[0][::-1], PAIRS[1])),
        data_of(holes="fill"),
    ]
    assert len({first, *(other.stored(tmp_path) for other in others)}) == 5


def test_invalid_values_are_holes_and_make_another_data_set(tmp_path: Path) -> None:
    lowest = int(min(image.min() for image in TARGET))
    invalid = data_of(reading=Reading(invalid=(lowest,))).stored(tmp_path)
    assert invalid != data_of().stored(tmp_path)
    assert Dataset(invalid).manifest.reading.invalid == (lowest,)
    assert min(decode(data, "x").min() for data in Dataset(invalid).table(Split.TARGET)["image"].to_pylist()) == 0


def test_folders_make_what_an_import_makes(tmp_path: Path) -> None:
    root = paired_tree(tmp_path)
    import_dataset(root, tmp_path / "imported", "paired", {"source_images": "false", "target_modality": "target"})
    ours = data_of(root / "target", (root / "pairs/source", root / "pairs/target")).stored(tmp_path)
    imported, own = (Dataset(folder, classes=("cat", "dog")) for folder in (tmp_path / "imported", ours))
    assert own.whole_digest == imported.whole_digest


def test_labels_are_sealed_only_if_asked(tmp_path: Path) -> None:
    labels = [0, 1, np.int64(1), 0, 1]
    assert data_of(Labelled(labels)).stored(tmp_path) == data_of().stored(tmp_path)
    dataset = Dataset(data_of(Labelled(labels), labelled=True).stored(tmp_path))
    assert dataset.classes == Labelled.classes
    sealed = read_part(dataset.folder, dataset.manifest, Sealed.LABELS)["label"].to_pylist()
    images = [decode(image, "x") for image in dataset.table(Split.TARGET)["image"].to_pylist()]
    places = [next(place for place, one in enumerate(TARGET) if np.array_equal(one, image)) for image in images]
    assert sealed == [labels[place] for place in places]
    unlabelled = Dataset(data_of().stored(tmp_path), classes=dataset.classes)
    assert unlabelled.whole_digest == dataset.whole_digest


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (data_of(labelled=True), "target: its labels have no names; allowed: a torch data set with `classes`"),
        (data_of(Labelled([0, None, 0, 0, 1]), labelled=True), "target[1]: label None is not allowed"),
        (data_of(Labelled([0, 2, 0, 0, 1]), labelled=True), "target[1]: label 2 is outside the 2 classes"),
        (data_of(pairs=(PAIRS[1], PAIRS[1])), "pairs[0][0] and pairs[1][0] (source): a source image must be RGB"),
        (data_of(PAIRS[0]), "target[0]: 3 x uint8 image in a data set of 1 x uint16 images"),
        (
            data_of(pairs=(PAIRS[0], [image[:, :9] for image in PAIRS[1]])),
            "pairs[0][0] and pairs[1][0]: the pair's sizes differ: (12, 16) and (9, 16)",
        ),
    ],
)
def test_what_is_refused_leaves_nothing(data: CollectedData, message: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=re.escape(message)):
        data.stored(tmp_path)
    assert not [path for path in tmp_path.rglob("*") if path.is_dir() and path.name.startswith(("given", ".given"))]
