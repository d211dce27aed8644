"""Image files are read as the data set's own images are, and bad ones are named."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from sfcmt.classify import classify, pixels_of
from sfcmt.data.dataset import Dataset
from sfcmt.data.images import Pixels, encode
from sfcmt.data.loading import Shape, decode_all
from sfcmt.data.manifest import Holes
from sfcmt.data.schema import Split
from sfcmt.errors import DataError
from sfcmt.models.target_model import ModelSpec, source_spec, target_spec
from sfcmt.testing.tiny import write_tiny


def spec_of(folder: Path, size: int = 20) -> ModelSpec:
    return target_spec(Dataset(folder), source_spec(Dataset(folder), "small", size), size)


@pytest.mark.parametrize(
    ("channels", "bits", "holes"), [(3, 8, "fill"), (3, 16, "mask"), (5, 16, "keep"), (1, 32, "mask")]
)
def test_images_of_more_channels_and_of_floats(tmp_path: Path, channels: int, bits: int, holes: Holes) -> None:
    folder = write_tiny(tmp_path / "data", rows=3, bits=bits, holes=holes, channels=channels)
    encoded = Dataset(folder).table(Split.TARGET)["image"]
    own_NCHW = decode_all(encoded, Shape(20, holes == "mask"), "target")
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
    own_N1HW = decode_all(Dataset(folder).table(Split.TARGET)["image"], Shape(20, holes == "mask"), "target")
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
