"""Plain folders: pairs by name, optional labels, and what is refused."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from sfcmt.data.dataset import Dataset, read_part
from sfcmt.data.images import decode
from sfcmt.data.importer import import_dataset
from sfcmt.data.schema import Sealed, Split
from sfcmt.errors import DataError
from tests.data.trees import depth, encoded, paired_tree, rgb, save


def imported(root: Path, destination: Path, **options: str) -> Dataset:
    import_dataset(root, destination, "paired", options)
    return Dataset(destination)


def test_pairs_go_by_name_whatever_their_order(tmp_path: Path) -> None:
    root = paired_tree(tmp_path)
    # In directory order `0-late` comes first among the sources and last among the targets.
    save(root / "pairs/source/0-late.png", encoded(rgb(77)))
    save(root / "pairs/target/0-late.tif", encoded(depth(77), "TIFF"))
    found = {}
    for row in imported(root, tmp_path / "out").table(Split.PAIRS).to_pylist():
        seed = next(seed for seed in (0, 1, 2, 77) if np.array_equal(decode(row["target_image"], "x")[0], depth(seed)))
        found[seed] = row["source_image"]
    assert set(found) == {0, 1, 2, 77}
    np.testing.assert_array_equal(decode(found[77], "x").transpose(1, 2, 0), rgb(77))
    assert found[1] == encoded(rgb(1), "JPEG")


def test_labels_follow_their_images(tmp_path: Path) -> None:
    dataset = imported(paired_tree(tmp_path), tmp_path / "out")
    labels = read_part(dataset.folder, dataset.manifest, Sealed.LABELS)["label"].to_pylist()
    cats = {encoded(depth(seed)) for seed in range(6)}
    images = dataset.table(Split.TARGET)["image"].to_pylist()
    assert dataset.classes == ("cat", "dog")
    assert labels == [0 if image in cats else 1 for image in images]


def test_labels_are_optional(tmp_path: Path) -> None:
    root = paired_tree(tmp_path)
    (root / "target_labels.csv").unlink()
    assert set(imported(root, tmp_path / "out").manifest.sealed) == {Sealed.ORIGINS}


def test_modalities_are_named_by_options(tmp_path: Path) -> None:
    manifest = imported(paired_tree(tmp_path), tmp_path / "out", target_modality="thermal", holes="mask").manifest
    assert (manifest.source.name, manifest.target.name, manifest.holes) == ("rgb", "thermal", "mask")
    assert manifest.provenance["target_modality"] == "thermal"


def _labels(text: str) -> Callable[[Path], object]:
    return lambda root: (root / "target_labels.csv").write_text(text)


def _only_dogs(root: Path) -> None:
    (root / "source" / "cat").rename(root / "cat")
    (root / "target_labels.csv").unlink()


FIVE_CATS = "".join(f"c{number}.png,cat\n" for number in range(5))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (_labels("name,label\n"), "columns must be file and label, not"),
        (_labels("file,label\nc0.png,cow\n"), "target_labels.csv line 2: label 'cow' is none of the classes cat, dog"),
        (_labels("file,label\nx.png,cat\n"), "line 2: 'x.png' must be an image below target/, named once"),
        (_labels("file,label\nc0.png,cat\nc0.png,cat\n"), "line 3: 'c0.png' must be an image below target/"),
        (_labels("label,file\ncat\n"), "line 2: '' must be an image below target/"),
        (_labels(f"file,label\n{FIVE_CATS}"), "no row for c5.png"),
        (
            lambda root: (root / "pairs/target/a/1.tiff").unlink(),
            "pairs/source/a/1: its partner in .*pairs/target",
        ),
        (
            lambda root: (root / "pairs/source/a/1.jpeg").unlink(),
            "pairs/target/a/1: its partner in .*pairs/source",
        ),
        (lambda root: save(root / "pairs/target/a/1.png", b"x"), "a/1.tiff: 1.png beside it has the same name"),
        (
            lambda root: save(root / "source/stray.png", b"x"),
            "source/stray.png: a source image must lie in source/CLASS/",
        ),
        (_only_dogs, "classes must be two or more"),
        (
            lambda root: save(root / "target/c0.png", encoded(rgb(0))),
            "target/c0.png: 3 x uint8 image in a data set of 1 x uint16 images",
        ),
    ],
)
def test_wrong_trees_are_refused(change: Callable[[Path], object], message: str, tmp_path: Path) -> None:
    root = paired_tree(tmp_path)
    change(root)
    with pytest.raises(DataError, match=message):
        imported(root, tmp_path / "out")
    assert not (tmp_path / "out").exists()
