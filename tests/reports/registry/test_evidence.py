"""Paired differences, by hand, and what convinces."""

from __future__ import annotations

import pyarrow as pa
import pytest
import torch
from safetensors.torch import save_file

from sfcmt.evaluation.labels import TargetLabels
from sfcmt.reports.registry.errors import RegistryError
from sfcmt.reports.registry.evidence import grounding, oracle
from sfcmt.reports.registry.predictions import Predictions
from tests.grounding.worlds import world


def logits(classes: list[int], confidence: float = 5.0) -> torch.Tensor:
    """(N, 3), each row sure of a class."""
    return confidence * torch.nn.functional.one_hot(torch.tensor(classes), 3).float()


def predictions(classes: list[int]) -> Predictions:
    return Predictions(logits(classes))


def test_predictions_come_back_and_others_are_refused(tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("predictions")
    predictions([0, 1, 2]).save(folder)
    loaded = Predictions.load(folder)
    assert torch.equal(loaded.logits, logits([0, 1, 2]))
    (folder / "predictions.safetensors").write_bytes(b"none")
    with pytest.raises(RegistryError, match=r"predictions\.safetensors"):
        Predictions.load(folder)


def test_what_an_older_release_kept_is_read(tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("predictions")
    save_file({"logits": logits([0, 2]), "ensemble": torch.ones(2, 3)}, folder / "predictions.safetensors")
    assert torch.equal(Predictions.load(folder).logits, logits([0, 2]))


def test_the_pairs_convince_of_a_better_model_and_never_of_a_surer_one() -> None:
    known = world()
    better, worse = (Predictions(known.model(recall).target_logits) for recall in (0.7, 0.45))
    found = grounding(better, worse, known.evidence)
    assert found.interval is not None
    assert found.challenger is not None
    assert found.champion is not None
    assert found.interval.low < found.challenger - found.champion < found.interval.high
    assert (found.score, found.n, found.convinces) == ("grounding", 600, True)
    assert str(found).startswith(f"grounding {found.challenger:.3f} against {found.champion:.3f}, difference in [+0.")
    assert not grounding(worse, better, known.evidence).convinces
    surer = grounding(Predictions(8 * worse.logits), worse, known.evidence)
    assert surer.interval is not None
    assert (surer.interval.low, surer.interval.high, surer.convinces) == (0, 0, False)


def test_a_lead_that_may_be_chance_does_not_convince() -> None:
    known = world(frames=15)
    ours, theirs = (Predictions(known.model(0.6).target_logits) for _ in range(2))
    assert not grounding(ours, theirs, known.evidence).convinces
    assert not grounding(theirs, ours, known.evidence).convinces


def target_of(labels: list[int], frames: list[int] | None = None) -> TargetLabels:
    """Every image is a frame unless they are told."""
    names = [f"frame {one}" for one in frames or range(len(labels))]
    return TargetLabels(torch.tensor(labels), pa.chunked_array([names]))


def test_the_oracle_weighs_classes_equally() -> None:
    target = target_of([0] * 64 + [2] * 16)  # no image of class 1
    champion, challenger = predictions([0] * 80), predictions([1] * 16 + [0] * 48 + [2] * 16)
    found = oracle(challenger, champion, target)
    # champion: (64/64 + 0/16) / 2; challenger: (48/64 + 16/16) / 2
    assert (found.score, found.champion, found.challenger) == ("oracle_balanced_accuracy", 0.5, 0.875)
    assert found.interval is not None
    middle = (found.interval.low + found.interval.high) / 2
    assert middle == pytest.approx(0.375)
    assert found.convinces
    assert "oracle_balanced_accuracy 87.5 against 50.0 %" in str(found)


def test_images_of_a_frame_are_no_evidence_of_their_own() -> None:
    """20 of 60 images are won, and none lost: that convinces, but not if they are of four frames."""
    truth = [row % 3 for row in range(60)]
    worse = [label if row >= 20 else (label + 1) % 3 for row, label in enumerate(truth)]
    ours, theirs = predictions(truth), predictions(worse)
    assert oracle(ours, theirs, target_of(truth)).convinces
    found = oracle(ours, theirs, target_of(truth, [row // 5 for row in range(60)]))
    assert not found.convinces
    assert "(no interval: they differ on 4 frames, which give no p below 0.12; n 60)" in str(found)


def test_a_class_of_one_frame_gives_no_interval() -> None:
    found = oracle(predictions([0, 0, 2]), predictions([1, 1, 1]), target_of([0, 0, 2]))
    assert found.challenger == 1
    assert found.interval is None
    assert not found.convinces
    assert "no interval: all images of a class are of one frame" in str(found)
