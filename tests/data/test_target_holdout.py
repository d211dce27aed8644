"""Whole frames of the target are held out, the same ones in every run; where frames are not known, it is refused."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from sfcmt.data.dataset import Dataset
from sfcmt.data.schema import Split
from sfcmt.data.target_holdout import frames_digest, held_out
from sfcmt.errors import DataError
from sfcmt.testing.tiny import write_tiny


def test_whole_frames_are_held_out_and_more_of_them_contain_fewer(tiny_data: Path) -> None:
    dataset = Dataset(tiny_data)
    frames, found = dataset.frames(Split.TARGET), held_out(dataset, 0.3)
    assert frames is not None
    assert not {*frames[found]} & {*frames[~found]}
    assert 0.15 < found.mean() < 0.45
    assert (found == held_out(dataset, 0.3)).all()
    assert not (found & ~held_out(dataset, 0.6)).any()


@pytest.mark.parametrize("fraction", [0.0, 1e-6, 1 - 1e-6])
def test_any_fraction_leaves_something_on_both_sides_and_none_holds_out_nothing(
    tiny_data: Path, fraction: float
) -> None:
    assert (0 < held_out(Dataset(tiny_data), fraction).sum() < 60) == (fraction > 0)


def test_images_of_one_frame_cannot_be_divided(tmp_path: Path) -> None:
    dataset = Dataset(write_tiny(tmp_path / "data", rows=9, groups=1))
    with pytest.raises(DataError, match=r"all target images are of one frame, so data.target_holdout keeps none out"):
        held_out(dataset, 0.5)


def test_a_data_set_of_an_older_release_has_to_be_imported_again(tmp_path: Path) -> None:
    folder = write_tiny(tmp_path / "data", rows=9)
    manifest = json.loads((folder / "manifest.json").read_text())
    (folder / "manifest.json").write_text(json.dumps(manifest | {"format": 2, "public": {}}))
    dataset = Dataset(folder)
    assert np.array_equal(held_out(dataset, 0), np.zeros(9, bool))
    with pytest.raises(DataError, match=r"data: does not say which .* data.target_holdout needs.*; import it again"):
        frames_digest(dataset)
