"""What holds for every kind of source model that people bring."""

from __future__ import annotations

import copy
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest
import torch
from torch import Tensor

from sfcmt.config import GivenSourceConfig
from sfcmt.models.given import GivenSource
from sfcmt.models.sources import SOURCES
from sfcmt.models.tapped import TappedClassifier
from sfcmt.models.target_model import TargetModel, given_spec

SIZE = 32
CLASSES = ("across", "down", "centre")


class Example(NamedTuple):
    """A source model of three outputs, and what it answers."""

    config: GivenSourceConfig
    answers: Callable[[Tensor], Tensor]
    """Images (B, 3, SIZE, SIZE), as the network expects them, to logits (B, 3), by the network's own means."""


class SourceModelContract:
    """Tests of a kind of source model; a subclass has a fixture `example` of the scope `module`."""

    @pytest.fixture(scope="module")
    def example(self) -> Example:
        """A small model of this kind, with weights that are not those of its construction."""
        raise NotImplementedError("give the subclass a fixture `example` that returns one of yours")

    @pytest.fixture(scope="module")
    def classifier(self, example: Example) -> TappedClassifier:
        """What is made of it."""
        return GivenSource(example.config).classifier(SIZE)[0].eval()

    def test_its_logits_are_the_networks_own(self, example: Example, classifier: TappedClassifier) -> None:
        """The head on the features, both by us."""
        x = images()
        features = classifier.tapped(x)
        assert features.shape == (len(x), classifier.width)
        torch.testing.assert_close(classifier.head(features), example.answers(x), rtol=1e-4, atol=1e-5)

    def test_it_is_built_again_from_its_spec(self, classifier: TappedClassifier, tmp_path: Path) -> None:
        """In another process, where only the saved files are."""
        model = TargetModel(given_spec("it", classifier, CLASSES, SIZE), classifier)
        model.save(tmp_path)
        x = 128 + 50 * images()
        with torch.no_grad():
            torch.testing.assert_close(TargetModel.load(tmp_path)(x), model.eval()(x))

    def test_its_identity_is_its_content(self, example: Example) -> None:
        """Two readers agree, and JSON can hold it."""
        first, second = (GivenSource(example.config).identity for _ in range(2))
        assert first == second
        assert first["digest"]

    def test_gradients_reach_all_that_trains(self, classifier: TappedClassifier) -> None:
        """Several workers wait for the gradient of each trained parameter."""
        student = copy.deepcopy(classifier).requires_grad_(True).train()
        student.freeze_head()
        student(torch.cat([images(), images()])).logits_BK.square().sum().backward()
        trained = {name: one.grad for name, one in student.named_parameters() if one.requires_grad}
        assert trained
        assert not [name for name, gradient in trained.items() if gradient is None]

    def test_a_copy_is_independent(self, classifier: TappedClassifier) -> None:
        """Of the same answers, until it learns."""
        twin, x = copy.deepcopy(classifier), images()
        assert torch.equal(twin(x).logits_BK, classifier(x).logits_BK)
        with torch.no_grad():
            for parameter in twin.parameters():
                parameter.add_(1)
        assert not torch.equal(twin(x).features_BD, classifier(x).features_BD)

    def test_it_can_be_exported(self, classifier: TappedClassifier) -> None:
        """As a program, for batches of any size."""
        x = images()
        shapes = {"x_BCHW": {0: torch.export.Dim("batch", min=2)}}
        program = torch.export.export(classifier, (x,), dynamic_shapes=shapes, strict=False).module()
        for batch in (x, torch.cat([x, x])):
            torch.testing.assert_close(program(batch)[1], classifier(batch).logits_BK, rtol=1e-4, atol=1e-5)

    def test_its_kind_is_registered(self, example: Example) -> None:
        """By the name that stands before the colon."""
        assert GivenSource(example.config).kind in SOURCES


def images() -> Tensor:
    """Four images (4, 3, SIZE, SIZE)."""
    return torch.randn(4, 3, SIZE, SIZE, generator=torch.Generator().manual_seed(2))
