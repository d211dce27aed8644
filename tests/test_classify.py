"""Image files are read as the data set's own images are, and bad ones are named."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from sfcmt.classify import classify, pixels_of
from sfcmt.data.dataset import Dataset, read_part
from sfcmt.data.images import Pixels, encode
from sfcmt.data.manifest import Holes
from sfcmt.data.pixels import Shape
from sfcmt.data.reading import Reading
from sfcmt.data.schema import Sealed, Split
from sfcmt.data.writer import DatasetInfo, DatasetWriter
from sfcmt.errors import DataError
from sfcmt.models.target_model import ModelSpec, source_spec, target_spec
from sfcmt.testing.tiny import write_tiny
from tests.data.decoded import decode_all
from tests.data.image_bytes import png_16
from tests.data.trees import depth, encoded, grey, rgb


def spec_of(folder: Path, size: int = 20) -> ModelSpec:
    return target_spec(Dataset(folder), source_spec(Dataset(folder), "small", size), size)


@pytest.mark.parametrize(
    ("channels", "bits", "holes"), [(3, 8, "fill"), (3, 16, "mask"), (5, 16, "keep"), (1, 32, "mask")]
)
def test_images_of_more_channels_and_of_floats(tmp_path: Path, channels: int, bits: int, holes: Holes) -> None:
    folder = write_tiny(tmp_path / "data", rows=3, bits=bits, holes=holes, channels=channels)
    encoded = Dataset(folder).table(Split.TARGET)["image"]
    own_NCHW = decode_all(encoded, Shape(20, holes == "mask"))
    found = [pixels_of(image, "x", spec_of(folder)) for image in encoded.to_pylist()]
    assert torch.equal(torch.stack(found), own_NCHW.float())
    assert found[0].shape == (channels, 20, 20)
    other: dict[str, Pixels] = {"depth": np.ones((1, 4, 4), np.uint16), "metres": np.ones((2, 4, 4), np.float32)}
    for name, kind in {"depth": r"1 channel\(s\) of 16 bits", "metres": r"2 channel\(s\) of float32"}.items():
        with pytest.raises(DataError, match=f"x: has {kind}; the model takes {channels} channel"):
            pixels_of(encode(other[name]), "x", spec_of(folder))


def files_of(folder: Path) -> list[Path]:
    """The target images of a data set as files beside it."""
    files = []
    for place, image in enumerate(Dataset(folder).table(Split.TARGET)["image"].to_pylist()):
        files.append(folder.parent / f"{place}.png")
        files[-1].write_bytes(image)
    return files


@pytest.mark.parametrize(("bits", "holes"), [(8, "keep"), (16, "keep"), (16, "mask")])
def test_a_file_is_read_as_the_data_sets_own_images_are(tmp_path: Path, bits: int, holes: Holes) -> None:
    folder = write_tiny(tmp_path / "data", rows=6, bits=bits, holes=holes)
    own_N1HW = decode_all(Dataset(folder).table(Split.TARGET)["image"], Shape(20, holes == "mask"))
    for file, own_1HW in zip(files_of(folder), own_N1HW, strict=True):
        assert torch.equal(pixels_of(file.read_bytes(), file.name, spec_of(folder)), own_1HW.float())


def test_classes_follow_the_models_logits_in_the_files_order(tmp_path: Path) -> None:
    folder = write_tiny(tmp_path / "data", rows=3)
    files = files_of(folder) * 50  # more than a batch
    spec, sizes = spec_of(folder), []

    def model(x_BCHW: torch.Tensor) -> torch.Tensor:
        sizes.append(len(x_BCHW))
        brightness_B = x_BCHW.mean(dim=(1, 2, 3))
        return torch.stack([torch.zeros_like(brightness_B), brightness_B - 130, torch.full_like(brightness_B, -9)], 1)

    found = classify(model, spec, files)
    assert sum(sizes) == len(found) == 150
    assert max(sizes) < 150
    for file, one in zip(files, found, strict=True):
        brightness = pixels_of(file.read_bytes(), file.name, spec).mean().item()
        assert one.file == str(file)
        assert one.label == ("down" if brightness > 130 else "across")
        scores = torch.tensor([0.0, brightness - 130, -9]).double()
        assert list(one.probabilities.values()) == pytest.approx(scores.softmax(dim=0).tolist(), abs=1e-5)


def test_bad_files_are_named_with_what_is_wrong(tiny_data: Path, tmp_path: Path) -> None:
    spec = spec_of(tiny_data)
    (tmp_path / "text.png").write_text("no image")
    Image.new("RGB", (8, 8), "red").save(tmp_path / "colour.png")
    Image.new("I;16", (8, 8)).save(tmp_path / "deep.png")
    for name, message in {
        "missing.png": "no such file",
        "text.png": "not a readable image",
        "colour.png": r"has 3 channel\(s\) of 8 bits; the model takes 1 channel\(s\) of 8 bits \(depth\)",
        "deep.png": r"has 1 channel\(s\) of 16 bits",
    }.items():
        with pytest.raises(DataError, match=rf"{name}: {message}"):
            classify(lambda _: pytest.fail("the model was asked"), spec, [tmp_path / name])


def test_a_grey_image_saved_as_rgb_is_read_as_when_it_is_imported(tiny_data: Path, tmp_path: Path) -> None:
    grey = Image.effect_noise((20, 20), 50)
    pixels = []
    for mode in ("L", "RGB"):
        grey.convert(mode).save(tmp_path / f"{mode}.png")
        pixels.append(pixels_of((tmp_path / f"{mode}.png").read_bytes(), mode, spec_of(tiny_data)))
    assert torch.equal(*pixels)


def depth_files(folder: Path) -> list[Path]:
    """Depth in 16 bits as it is downloaded: invalid at 65535 and, upside down, in three channels."""
    files = []
    for number in range(4):
        values = depth(number)
        values[:3, number:] = 65535
        exif = Image.Exif()
        exif[0x0112] = 3
        files += [folder / f"{number}-plain.png", folder / f"{number}-turned.png", folder / f"{number}-48.png"]
        Image.fromarray(values).save(files[-3])
        Image.fromarray(values).save(files[-2], exif=exif)
        files[-1].write_bytes(png_16(np.stack([values] * 3, axis=2)))
    return files


@pytest.mark.parametrize("holes", ["keep", "fill", "mask"])
@pytest.mark.parametrize("reading", [Reading(invalid=(65535,)), Reading(upright=False), Reading(rotated_bits=3)])
def test_a_file_becomes_what_its_import_made_of_it(reading: Reading, holes: Holes, tmp_path: Path) -> None:
    files = [file for file in depth_files(tmp_path) if not (reading.rotated_bits and "48" in file.name)]
    info = DatasetInfo("toy", "rgb", "depth", ("a", "b"), {}, holes, source_images=False, reading=reading)
    with DatasetWriter(tmp_path / "data", info) as writer:
        writer.add_pair(encoded(rgb(0)), files[0].read_bytes(), "p", "p")
        for file in files:
            writer.add_target(file.read_bytes(), file.name, file.name)
    dataset = Dataset(tmp_path / "data")
    spec = spec_of(tmp_path / "data")
    own_N1HW = decode_all(dataset.table(Split.TARGET)["image"], Shape(20, holes == "mask")).float()
    found = {file: pixels_of(file.read_bytes(), file.name, spec) for file in files}
    rows = read_part(dataset.folder, dataset.manifest, Sealed.ORIGINS).to_pylist()
    origins = {row["id"]: tmp_path / row["origin"] for row in rows}
    for name, own_1HW in zip(dataset.table(Split.TARGET)["id"].to_pylist(), own_N1HW, strict=True):
        assert torch.equal(found[origins[name]], own_1HW)


def test_arrays_are_values_and_not_files(tmp_path: Path) -> None:
    folder = write_tiny(tmp_path / "data", rows=3, bits=16)
    reading = Reading(rotated_bits=3, invalid=(9,))
    spec = spec_of(folder).model_copy(update={"reading": reading})
    values = np.array([[[8, 9], [8, 16]]], np.uint16)
    assert set(pixels_of(values.repeat(10, 1).repeat(10, 2), "x", spec).numpy().flat) == {0, 8, 16}
    assert pixels_of(encode(values.repeat(10, 1).repeat(10, 2)), "x", spec).max() == 9 << 13 & 0xFFFF | 9 >> 3


def test_a_model_of_three_channels_takes_a_single_one_of_8_bits(tmp_path: Path) -> None:
    spec = spec_of(write_tiny(tmp_path / "data", rows=3, channels=3))
    assert torch.equal(*(pixels_of(encoded(image), "x", spec) for image in (grey(0), np.stack([grey(0)] * 3, axis=2))))


def test_a_model_of_an_older_release_says_what_is_assumed(
    tiny_data: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    new = spec_of(tiny_data)
    old = ModelSpec.model_validate_json(new.model_dump_json(exclude={"reading"}))
    assert new.reading == Reading()
    assert old.reading is None
    assert "reading" not in json.loads(old.model_dump_json())
    file = tmp_path / "grey.png"
    file.write_bytes(encoded(grey(0)))
    for spec in (new, old):
        classify(lambda x_BCHW: x_BCHW[:, 0, 0, :3], spec, [file])
    assert [record.getMessage() for record in caplog.records] == [
        "the model does not say how its images were read: upright, and values as they stand in the file, is assumed"
    ]
