"""What comes out: a module, predictions for images of any form, curves, scores, and a folder for other functions."""

from __future__ import annotations

import doctest
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch

import sfcmt
from sfcmt.api import source_model
from sfcmt.outputs import Outputs
from sfcmt.testing.tiny import CLASSES, SIZE
from sfcmt.validators import VALIDATORS
from tests.api.examples import OVERRIDES, images, write_folders
from tests.api.networks import custom


@pytest.fixture(scope="module")
def result(api_store: Path) -> sfcmt.Transferred:
    source = sfcmt.SourceModel.from_module(custom(), CLASSES, size=SIZE)
    return sfcmt.transfer(source, *images(), method="shot", store=api_store, overrides=OVERRIDES)


def test_the_module_maps_stored_pixels_to_logits(result: sfcmt.Transferred, api_store: Path) -> None:
    assert (result.spec.classes, result.spec.size, result.spec.channels, result.spec.bits) == (CLASSES, SIZE, 1, 8)
    assert not result.module.training
    x, saved = torch.from_numpy(images().target), Outputs.load(result.path).target_logits
    folder = str(result.experiment.data.folder)
    order = [int(image) for image in _places(Path(folder))]
    torch.testing.assert_close(result.module(x[order]), saved, rtol=1e-4, atol=1e-4)


def test_predictions_are_the_modules_own_whatever_the_form(result: sfcmt.Transferred, tmp_path: Path) -> None:
    seen, root = images().target, write_folders(tmp_path)
    expected = result.module(torch.from_numpy(seen)).softmax(dim=1)
    files = sorted((root / "thermal").iterdir())
    for form in (seen, torch.from_numpy(seen) / 255, root / "thermal", files, [np.repeat(x, 3, axis=0) for x in seen]):
        found = result.predict(form)
        probabilities = torch.tensor([[*one.probabilities.values()] for one in found])
        torch.testing.assert_close(probabilities, expected)
        assert [one.label for one in found] == [CLASSES[int(place)] for place in expected.argmax(dim=1)]
    assert result.predict(files[3])[0].file == str(files[3])
    assert len(result.predict(np.zeros((2, 1, 70, 50), dtype=np.uint8))) == 2
    with pytest.raises(sfcmt.SfcmtError, match=r"images\[0\]: has 1 channel\(s\) of 16 bits; the model takes 1"):
        result.predict(seen.astype(np.uint16))


def test_curves_and_scores(result: sfcmt.Transferred) -> None:
    assert [row["epoch"] for row in result.curves] == [1]
    assert set(result.scores) == set(VALIDATORS)


def test_its_folder_is_what_other_functions_take(result: sfcmt.Transferred, tmp_path: Path) -> None:
    write_folders(tmp_path)
    found = sfcmt.predict(str(result.path), sorted((tmp_path / "thermal").iterdir()))
    assert found == result.predict(tmp_path / "thermal")
    (tmp_path / "saved").mkdir()
    result.module.save(tmp_path / "saved")
    again = sfcmt.predict(str(tmp_path / "saved"), [tmp_path / "thermal/000.png"])[0]
    assert again.probabilities == pytest.approx(found[0].probabilities, abs=1e-5)


def test_a_result_of_its_own_is_trained_without_changing_what_is_stored(result: sfcmt.Transferred) -> None:
    again = sfcmt.Transferred(result.experiment, result.artifact)
    with torch.no_grad():
        for parameter in again.module.parameters():
            parameter.zero_()
    assert result.module(torch.zeros(1, 1, SIZE, SIZE)).abs().sum() > 0


def test_the_examples(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import sfcmt.api.transfer as transfer_module

    monkeypatch.chdir(write_folders(tmp_path))
    monkeypatch.setenv("SFCMT_STORE", "store")
    for module in (source_model, transfer_module):
        found = doctest.testmod(module, extraglobs={"model": custom(), "torch": torch})
        assert found.attempted > 2
        assert found.failed == 0


def _places(folder: Path) -> Iterator[int]:
    """Which of the images each target row is."""
    from sfcmt.data.dataset import Dataset
    from sfcmt.data.images import decode
    from sfcmt.data.schema import Split

    for encoded in Dataset(folder).table(Split.TARGET)["image"].to_pylist():
        pixels = decode(encoded, "row")
        yield next(place for place, one in enumerate(images().target) if np.array_equal(one, pixels))
