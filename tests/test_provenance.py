"""What made an artifact is kept with it, and told where two of them differ."""

from __future__ import annotations

from importlib.metadata import version
from pathlib import Path

import torch

from sfcmt.commit import code_version
from sfcmt.models.bottleneck import BottleneckClassifier
from sfcmt.provenance import varying, weights_digest
from sfcmt.testing.tiny import get_or_train, tiny_experiment


def test_each_artifact_says_what_made_it(tiny_data: Path, tiny_store: Path) -> None:
    made_by = get_or_train("source", tiny_experiment(tiny_data, tiny_store)).made_by
    assert (made_by["torch"], made_by["timm"]) == (torch.__version__, version("timm"))
    assert (made_by["sfcmt"], made_by["threads"], made_by["workers"]) == (code_version(), 1, 1)
    assert made_by["device"].startswith("cpu: ")


def test_weights_that_a_training_starts_from_are_named(tiny_data: Path, tmp_path: Path) -> None:
    source = {"backbone": "tf_efficientnet_lite0", "pretrained": True, "epochs": 1}
    made_by = get_or_train("source", tiny_experiment(tiny_data, tmp_path, source=source)).made_by
    pretrained = BottleneckClassifier("tf_efficientnet_lite0", 3, True).backbone
    assert made_by["pretrained_weights"] == weights_digest(pretrained)
    assert weights_digest(BottleneckClassifier("tf_efficientnet_lite0", 3).backbone) != made_by["pretrained_weights"]


def test_facts_that_vary() -> None:
    made = [{"torch": "2.6", "workers": 1}, {"torch": "2.13", "workers": 1}, {"workers": 1, "weights": "x"}]
    assert varying(made) == {"torch": ["2.6", "2.13"]}
    assert varying([]) == {}
