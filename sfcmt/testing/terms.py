"""What holds for every term of a transfer's loss."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from sfcmt.precision import Precision
from sfcmt.stages.method import METHODS
from sfcmt.stages.term import Step, TargetPredictions, Term
from sfcmt.stages.terms import TERMS, looks_at_pairs
from sfcmt.stages.transfer_context import TransferContext
from sfcmt.testing.tiny import contents, context_of, get_or_train, recipe_of, tiny_experiment, write_tiny


class TermContract:
    """Tests of a term; a subclass has a fixture `term` of the scope `module`, its name."""

    @pytest.fixture(scope="module")
    def term(self) -> str:
        """The name of the term that is tested."""
        raise NotImplementedError("give the subclass a fixture `term` that returns the name of yours")

    @pytest.fixture(scope="module")
    def data(self, tmp_path_factory: pytest.TempPathFactory) -> Path:
        """The tiny data set."""
        return write_tiny(tmp_path_factory.mktemp("tiny") / "data")

    @pytest.fixture(scope="module")
    def store(self, data: Path) -> Path:
        """A store with the source model of the tiny experiment."""
        get_or_train("source", tiny_experiment(data, data.parent / "store"))
        return data.parent / "store"

    @pytest.fixture
    def context(self, data: Path, store: Path, tmp_path: Path) -> TransferContext[Any]:
        """What a method works with."""
        return context_of(tiny_experiment(data, store, method="channel_copy"), tmp_path / "context")

    def test_is_a_finite_number_that_the_student_can_lower(self, context: TransferContext[Any], term: str) -> None:
        """In float32, also where the network is not."""
        for precision in ("float32", "bfloat16"):
            step, survey = _step(context, precision)
            loss = _made(context, term, survey)(step)
            assert loss.shape == ()
            assert loss.dtype == torch.float32
            assert loss.isfinite()
            loss.backward()
            gradients = [one.grad for one in step.student.parameters() if one.grad is not None]
            assert any(gradient.abs().sum() > 0 for gradient in gradients)
            assert all(gradient.isfinite().all() for gradient in gradients)

    def test_its_name_says_whether_it_looks_at_pairs(self, context: TransferContext[Any], term: str) -> None:
        """It is known of terms that are not imported."""
        step, survey = _step(context)
        _made(context, term, survey)(step)
        assert ("pair" in vars(step)) == looks_at_pairs(term)
        assert ("target" in vars(step) or "target_statistics" in vars(step)) == TERMS[term].reads_target
        assert ("target_statistics" in vars(step)) == TERMS[term].reads_statistics

    def test_a_training_goes_on_with_what_its_state_dict_holds(self, context: TransferContext[Any], term: str) -> None:
        """From epoch to epoch nothing else may matter."""
        step, survey = _step(context)
        made, restored = _made(context, term, survey), TERMS[term].make(context)
        made(step)
        restored.load_state_dict(made.state_dict())
        for one in (made, restored):
            one.start_epoch(_step(context)[1])
        assert made(_step(context)[0]).item() == restored(_step(context)[0]).item()

    def test_can_be_added_to_any_method_that_has_it_not(
        self, data: Path, store: Path, tmp_path: Path, term: str
    ) -> None:
        """It is trained, and told apart, by its weight; one of 0 is none at all."""
        method = next(name for name in ("aad", "shot") if term not in METHODS[name].weights(METHODS[name].Config()))
        found = {}
        for place, weight in enumerate((0.1, 0.1, 0.0)):
            terms = {"terms": {term: weight}, "epochs": 1}
            context = context_of(tiny_experiment(data, store, method=method, transfer=terms), tmp_path / str(place))
            METHODS[method]().adapt(context).save(context.workspace.folder)
            found[place] = contents(context.workspace.folder)["model.safetensors"]
            assert (term in context.workspace.curves[0]) == (weight > 0)
        assert found[0] == found[1] != found[2]
        plain, none, some = (
            recipe_of("transfer", tiny_experiment(data, store, method=method, transfer=fields)).identity
            for fields in ({}, {"terms": {term: 0}}, {"terms": {term: 0.1}})
        )
        assert plain == none != some


def _step(context: TransferContext[Any], precision: str = "float32") -> tuple[Step, TargetPredictions]:
    """The first step of a training, and what the source model says of all target images."""
    batch = next(iter(context.data.epoch(context.config, torch.Generator().manual_seed(0))))
    step = Step(
        context.new_student().train(), batch, follows_pairs=False, progress=0.25, precision=Precision(precision)
    )
    rows = torch.arange(len(context.data.target))
    return step, TargetPredictions(lambda: context.copied(context.data.target.clean(rows)))


def _made(context: TransferContext[Any], term: str, survey: TargetPredictions) -> Term:
    made = TERMS[term].make(context)
    with torch.no_grad():
        made.start_epoch(survey)
    return made
