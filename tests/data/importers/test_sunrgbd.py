"""SUN RGB-D: the rotated depth, the published protocol, the nested folders, and what is refused."""

from __future__ import annotations

import shutil
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from sfcmt.data.dataset import Dataset, read_part
from sfcmt.data.images import decode
from sfcmt.data.importer import import_dataset
from sfcmt.data.read_image import read_image
from sfcmt.data.reading import Reading
from sfcmt.data.schema import Sealed, Split
from sfcmt.errors import DataError
from tests.data.trees import SUN_CLASSES, depth, encoded, grey, rgb, save, sun_scene, sunrgbd_tree


def imported(root: Path, destination: Path, **options: str) -> Dataset:
    import_dataset(root, destination, "sunrgbd", options)
    return Dataset(destination)


def origins(dataset: Dataset, split: Split) -> list[str]:
    rows = read_part(dataset.folder, dataset.manifest, Sealed.ORIGINS).to_pylist()
    return [row["origin"] for row in rows if row["id"].startswith(split)]


ROTATED = Reading(rotated_bits=3)


def test_depth_is_rotated_back() -> None:
    # By hand: 1000 mm = 0x03E8 is stored as 0x1F40; 10000 mm = 0x2710 as 0x3881 (its top 001 comes out below).
    stored = np.array([[0x1F40, 0x3881], [0x0000, 0xFFFF], [0x0001, 0x0008]], dtype=np.uint16)
    found = read_image(encoded(stored), "d.png", ROTATED)
    assert found.x_CHW[0].tolist() == [[1000, 10000], [0, 65535], [0x2000, 1]]
    assert not found.plain


def test_depth_of_eight_bits_is_refused() -> None:
    with pytest.raises(DataError, match=r"d.png: must have 1 x 16 bits, not 1 x uint8"):
        read_image(encoded(grey(0)), "d.png", ROTATED)


def test_published_protocol(tmp_path: Path) -> None:
    dataset = imported(sunrgbd_tree(tmp_path), tmp_path / "out", source_sensor="kv1", target_sensor="xtion")
    assert dataset.classes == SUN_CLASSES  # gym is under two sensors only, and idk is no class
    assert len(dataset.table(Split.SOURCE)) == len(dataset.table(Split.TARGET)) == 12
    assert all(origin.startswith("kv1/") for origin in origins(dataset, Split.SOURCE))
    assert all(origin.startswith("xtion/") for origin in origins(dataset, Split.TARGET))
    # Pairs: two gyms and one idk of each of the two sensors, none of the other sensors.
    assert Counter(origin.split("/")[0] for origin in origins(dataset, Split.PAIRS)) == {"kv1": 3, "xtion": 3}


def test_labels_and_depth_are_those_of_the_scene(tmp_path: Path) -> None:
    root = sunrgbd_tree(tmp_path)
    dataset = imported(root, tmp_path / "out")
    labels = read_part(dataset.folder, dataset.manifest, Sealed.LABELS)["label"].to_pylist()
    images = dataset.table(Split.TARGET)["image"].to_pylist()
    assert dataset.manifest.target.bits == 16
    for label, image, origin in zip(labels, images, origins(dataset, Split.TARGET), strict=True):
        scene = root / origin.split("/image/")[0]
        assert dataset.classes[label] == (scene / "scene.txt").read_text().strip()
        seed = int(next((scene / "image").iterdir()).stem)
        np.testing.assert_array_equal(decode(image, "x")[0], depth(seed))


def test_deeply_nested_places_are_found_and_keep_together(tmp_path: Path) -> None:
    root = sunrgbd_tree(tmp_path)
    place = root / "xtion" / "sun3ddata" / "hotel_umd" / "maryland_hotel3"
    for frame in range(6):
        sun_scene(place / f"000{frame}-000000", "office", 900 + frame)
    dataset = imported(root, tmp_path / "out", source_sensor="xtion", target_sensor="xtion")
    in_source = ["hotel_umd" in origin for origin in origins(dataset, Split.SOURCE)]
    in_target = ["hotel_umd" in origin for origin in origins(dataset, Split.TARGET)]
    assert sorted((sum(in_source), sum(in_target))) == [0, 6]


def test_one_sensor_as_both_splits_each_class_in_half(tmp_path: Path) -> None:
    dataset = imported(sunrgbd_tree(tmp_path), tmp_path / "out", source_sensor="kv2", target_sensor="kv2")
    assert not {o.split(" + ")[0] for o in origins(dataset, Split.TARGET)} & set(origins(dataset, Split.SOURCE))
    assert Counter(dataset.table(Split.SOURCE)["label"].to_pylist()) == {0: 2, 1: 2, 2: 2}
    assert len(dataset.table(Split.TARGET)) == 6
    assert len(dataset.table(Split.PAIRS)) == 3  # each once, though the sensor is named twice


def test_given_classes_replace_the_rule(tmp_path: Path) -> None:
    dataset = imported(sunrgbd_tree(tmp_path), tmp_path / "out", classes="gym, office")
    assert dataset.classes == ("gym", "office")
    assert len(dataset.table(Split.SOURCE)) == 2 + 4


@pytest.mark.parametrize("name", ["attic", "idk", "lab"])
def test_classes_that_a_sensor_lacks_are_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=f"kv1: no class '{name}'; classes here: bedroom, gym"):
        imported(sunrgbd_tree(tmp_path), tmp_path / "out", classes=f"{name},office")


def test_missing_depth_is_filled_by_default_and_kept_on_demand(tmp_path: Path) -> None:
    root = sunrgbd_tree(tmp_path)
    for path in root.rglob("depth_bfx/*.png"):
        holed = read_image(path.read_bytes(), "x", ROTATED).x_CHW[0].copy()
        holed[:3, :3] = 0
        path.write_bytes(encoded((holed << np.uint16(3)) | (holed >> np.uint16(13))))
    zeros = {}
    for holes in ("fill", "keep"):
        images = imported(root, tmp_path / holes, holes=holes).table(Split.TARGET)["image"].to_pylist()
        zeros[holes] = {int((decode(image, "x") == 0).sum()) for image in images}
    assert zeros == {"fill": {0}, "keep": {9}}


def test_a_scene_without_depth_is_named(tmp_path: Path) -> None:
    root = sunrgbd_tree(tmp_path)
    scene = root / "kv1/NYUdata/NYU0000"
    shutil.rmtree(scene / "depth_bfx")
    with pytest.raises(DataError, match=r"kv1/NYUdata/NYU0000/depth_bfx: one image must be here, not 0"):
        imported(root, tmp_path / "out")


def test_an_empty_label_is_named(tmp_path: Path) -> None:
    root = sunrgbd_tree(tmp_path)
    (root / "kv1/NYUdata/NYU0000/scene.txt").write_text("\n")
    with pytest.raises(DataError, match=r"kv1/NYUdata/NYU0000/scene.txt: empty"):
        imported(root, tmp_path / "out")


def test_two_names_that_are_one_but_for_case_are_refused(tmp_path: Path) -> None:
    root = sunrgbd_tree(tmp_path)
    scene = next(path for path in sorted(root.glob("xtion/**/scene.txt")) if path.read_text().strip() == "gym")
    scene.write_text("Gym\n")
    message = rf"{scene.relative_to(root)}: class 'Gym' is 'gym' \(.*/scene.txt\), but for case; give both one name"
    with pytest.raises(DataError, match=message):
        imported(root, tmp_path / "out")


def test_a_sensor_without_scenes_is_named(tmp_path: Path) -> None:
    root = sunrgbd_tree(tmp_path)
    shutil.rmtree(root / "realsense")
    with pytest.raises(DataError, match="realsense: a folder is needed here"):
        imported(root, tmp_path / "out")


def test_rgb_and_depth_of_different_sizes_are_refused(tmp_path: Path) -> None:
    root = sunrgbd_tree(tmp_path)
    scene = root / "xtion/xtion_align_data/2014-12-14_00"
    save(next((scene / "image").iterdir()), encoded(rgb(0, (10, 16)), "JPEG"))
    with pytest.raises(DataError, match=r"2014-12-14_00/image.*real source image is \(10, 16\), not \(12, 16\)"):
        imported(root, tmp_path / "out")
