"""Plain folders: pairs by name, optional labels, and what is refused."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from sfcmt.data.dataset import Dataset, read_part
from sfcmt.data.images import decode
from sfcmt.data.importer import import_dataset
from sfcmt.data.schema import Sealed, Split
from sfcmt.errors import DataError
from sfcmt.models.expected_input import IMAGENET
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


def test_pairs_are_optional(tmp_path: Path) -> None:
    root = paired_tree(tmp_path)
    told = imported(root, tmp_path / "told", pairs="false")
    (root / "pairs").rename(tmp_path / "elsewhere")
    import_dataset(root, tmp_path / "found", None, {})
    found = Dataset(tmp_path / "found")
    assert found.manifest.files == told.manifest.files
    assert found.splits == (Split.SOURCE, Split.TARGET)
    assert not found.has_pairs
    assert told.manifest.provenance["pairs"] is False


def test_target_images_alone_are_a_data_set(tmp_path: Path) -> None:
    root = paired_tree(tmp_path)
    for part in ("pairs", "source"):
        (root / part).rename(tmp_path / f"{part}-elsewhere")
    found = imported(root, tmp_path / "out")
    assert found.splits == (Split.TARGET,)
    assert found.manifest.source.normalisation == IMAGENET
    assert found.classes == ("cat", "dog")


def test_modalities_are_named_by_options(tmp_path: Path) -> None:
    manifest = imported(paired_tree(tmp_path), tmp_path / "out", target_modality="thermal", holes="mask").manifest
    assert (manifest.source.name, manifest.target.name, manifest.holes) == ("rgb", "thermal", "mask")
    assert manifest.provenance["target_modality"] == "thermal"


def _labels(text: str) -> Callable[[Path], object]:
    return lambda root: (root / "target_labels.csv").write_text(text)


def _bytes(name: str, data: bytes) -> Callable[[Path], object]:
    return lambda root: save(root / name, data)


def _link(name: str, to: str) -> Callable[[Path], object]:
    return lambda root: (root / name).symlink_to(to)


def _drawings(root: Path) -> None:
    for image in (root / "target").iterdir():
        image.rename(image.with_suffix(".svg"))


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
        (lambda root: (root / "source/eel").mkdir(), "source/eel: no images of this class$"),
        (_bytes("source/eel/a.svg", b"x"), r"source/eel: no images of this class \(1 skipped: a.svg: .svg: no format"),
        (_bytes("source/Cat/a.png", b"x"), "source/cat: .*source/Cat is the same class, but for case"),
        (_link("source/kitty", "cat"), "source/kitty: .*source/cat is the same folder, by a link"),
        (_link("source/eel", "nowhere"), "source/eel: a link to nothing, where a class is expected"),
        (_link("source/all", "."), "source/all: a link to a folder that it lies in, where a class is expected"),
        (_bytes("source/cat/more/a.png", b"x"), "source/cat/more/a.png: a source image must lie in source/CLASS/"),
        (_drawings, r"target: no images \(12 skipped: c0.svg, c1.svg, c2.svg and 9 more: .svg: no format"),
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


def test_every_format_is_taken_and_a_linked_class_too(tmp_path: Path) -> None:
    root = paired_tree(tmp_path)
    for number, kind in enumerate(("BMP", "PPM", "WEBP", "TGA")):
        save(tmp_path / "elsewhere" / f"{number}.{kind}", encoded(rgb(number), kind))
    (root / "source" / "eel").symlink_to(tmp_path / "elsewhere")
    dataset = imported(root, tmp_path / "out")
    assert dataset.classes == ("cat", "dog", "eel")
    assert dataset.table(Split.SOURCE)["label"].to_pylist() == [0] * 6 + [1] * 6 + [2] * 4


def test_what_lies_beside_the_layout_is_told(tmp_path: Path) -> None:
    root = paired_tree(tmp_path)
    for name in ("README.md", "sources/cat/a.png", "pairs/notes.txt"):
        save(root / name, b"x")
    assert import_dataset(root, tmp_path / "out", "paired", {}) == [
        "skipped 3: no part of this layout: sources, README.md, pairs/notes.txt"
    ]


def test_accents_match_in_either_form(tmp_path: Path) -> None:
    root, names = paired_tree(tmp_path), {form: unicodedata.normalize(form, "caf\xe9") for form in ("NFC", "NFD")}
    (root / "source" / "cat").rename(root / "source" / names["NFD"])
    (root / "target" / "c0.png").rename(root / "target" / f"{names['NFD']}.png")
    for side, form in (("source", "NFC"), ("target", "NFD")):
        next((root / "pairs" / side / "a").glob("1.*")).rename(root / "pairs" / side / "a" / f"{names[form]}.png")
    text = (root / "target_labels.csv").read_text().replace("c0.png", f"{names['NFC']}.png")
    save(root / "target_labels.csv", text.replace(",cat", f",{names['NFC']}").replace(",", ";").encode("utf-8-sig"))
    assert imported(root, tmp_path / "out").classes == (names["NFC"], "dog")


def _transparent(seed: int) -> bytes:
    return encoded(np.concatenate([rgb(seed), np.zeros((12, 16, 1), np.uint8)], axis=2))


def test_single_images_that_cannot_be_read_are_left_out_and_told(tmp_path: Path) -> None:
    root, without = paired_tree(tmp_path), paired_tree(tmp_path / "without")
    changes = {
        "source/cat/0.jpg": b"",
        "source/dog/1.jpg": _transparent(1),
        "pairs/target/a/1.tiff": b"no image",
        "target/c2.png": b"",
    }
    for name, data in changes.items():
        save(root / name, data)
        (without / name).unlink()
    (without / "pairs/source/a/1.jpeg").unlink()
    labels = (without / "target_labels.csv").read_text().replace("c2.png,cat\n", "")
    (without / "target_labels.csv").write_text(labels)
    told = sorted(import_dataset(root, tmp_path / "out", "paired", {}))
    assert [line.partition(":")[0] for line in told] == ["skipped 1", "skipped 1", "skipped 2"]
    assert told[0].startswith("skipped 1: not a readable image (")
    assert told[0].endswith(": pairs a/1 (target)")
    assert told[1].startswith("skipped 1: partly transparent; flatten it first")
    assert told[2] == "skipped 2: an empty file (0 bytes): source/cat/0.jpg, target/c2.png"
    clean = imported(without, tmp_path / "clean").manifest  # as if they had never been there
    assert Dataset(tmp_path / "out").manifest.model_copy(update={"name": clean.name}) == clean
    with pytest.raises(DataError, match=r"source/cat/0.jpg: would be skipped: an empty file"):
        import_dataset(root, tmp_path / "strict", "paired", {}, strict=True)


@pytest.mark.parametrize(
    ("names", "message"),
    [
        ([f"source/cat/{n}.jpg" for n in range(6)], r"cat/0.jpg: an empty file .*\(so are 6 of 12 source images\)"),
        (["source/eel/0.jpg"], r"eel/0.jpg: an empty file .*\(so are 1 of 1 source images of its class\)"),
        (["pairs/target/a/0.tiff", "pairs/target/a/1.tiff"], r"an empty file .*\(so are 2 of 3 pairs images"),
    ],
)
def test_many_of_them_are_an_error(names: list[str], message: str, tmp_path: Path) -> None:
    root = paired_tree(tmp_path)
    for name in names:
        save(root / name, b"")
    with pytest.raises(DataError, match=message):
        imported(root, tmp_path / "out")
    assert not (tmp_path / "out").exists()
