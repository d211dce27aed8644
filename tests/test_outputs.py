"""Outputs in files: read one tensor at a time, and those of older stores, too."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from sfcmt.outputs import FEATURES, LOGITS, NAMES, Outputs
from sfcmt.testing.outputs import random
from sfcmt.validators import POOL_VALIDATORS, VALIDATORS
from sfcmt.validators.infomax import infomax


def model_of(seed: int) -> Outputs:
    """One that shares no memory with others."""
    return Outputs(**{name: getattr(random(12, 4, seed), name).clone() for name in NAMES})


def test_logits_and_features_are_files_of_their_own(tmp_path: Path) -> None:
    model_of(0).save(tmp_path)
    assert set(load_file(tmp_path / LOGITS)) == {"target_logits", "pair_logits", "pair_source_logits"}
    assert set(load_file(tmp_path / FEATURES)) == {"target_features", "pair_features", "pair_source_features"}
    assert {path.name for path in tmp_path.iterdir()} == {LOGITS, FEATURES}


@pytest.mark.parametrize("older", [False, True])
def test_they_come_back_as_they_were_from_files_of_any_release(tmp_path: Path, older: bool) -> None:
    model = model_of(0)
    if older:
        save_file({name: getattr(model, name) for name in NAMES}, tmp_path / "outputs.safetensors")
    else:
        model.save(tmp_path)
    read = Outputs.load(tmp_path)
    assert all(torch.equal(getattr(read, name), getattr(model, name)) for name in NAMES)
    assert read.has_pairs
    assert not hasattr(read, "labels")


@pytest.mark.parametrize("name", POOL_VALIDATORS)
def test_a_pool_is_scored_by_logits_alone_and_nothing_of_it_is_kept(tmp_path: Path, name: str) -> None:
    pool = [model_of(seed) for seed in range(4)]
    for place, model in enumerate(pool):
        (tmp_path / str(place)).mkdir()
        model.save(tmp_path / str(place))
        (tmp_path / str(place) / FEATURES).unlink()
    read = [Outputs.load(tmp_path / str(place)) for place in range(4)]
    assert POOL_VALIDATORS[name](read) == POOL_VALIDATORS[name](pool)
    assert not any(isinstance(value, torch.Tensor) for one in read for value in vars(one).values())


def test_files_that_are_no_outputs_are_an_error_when_they_are_read(tmp_path: Path) -> None:
    (tmp_path / LOGITS).write_bytes(b"none")
    with pytest.raises(SafetensorError):
        infomax(Outputs.load(tmp_path))
    with pytest.raises(FileNotFoundError):
        infomax(Outputs.load(tmp_path / "nowhere"))


def test_what_chooses_sees_no_image_that_is_held_out(tmp_path: Path) -> None:
    held_out = torch.arange(12) % 3 == 0
    model, other = (replace(model_of(seed), held_out=held_out) for seed in (0, 1))
    model.save(tmp_path)
    read = Outputs.load(tmp_path)
    assert read.held_out is not None
    assert torch.equal(read.held_out, held_out)
    adapted = read.adapted_to
    assert torch.equal(adapted.target_logits, model.target_logits[~held_out])
    assert torch.equal(adapted.target_features, model.target_features[~held_out])
    assert torch.equal(adapted.pair_logits, model.pair_logits)
    assert adapted.adapted_to is adapted
    confident = replace(model, target_logits=torch.where(held_out[:, None], 99.0, model.target_logits))
    for name, validator in VALIDATORS.items():
        assert validator(confident) == validator(read), name
    for name, pool_validator in POOL_VALIDATORS.items():
        assert pool_validator([confident, other]) == pool_validator([read, other]), name
