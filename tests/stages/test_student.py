"""The learner of every transfer: what it trains, and its average."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn
from torch.nn.modules.module import register_module_forward_pre_hook

from sfcmt.artifact import Row
from sfcmt.callbacks import Callback
from sfcmt.models.classifier import Classifier, Prediction
from sfcmt.outputs import Outputs
from sfcmt.recipe import Recipe
from sfcmt.stages.methods.tgkt import TGKT
from sfcmt.stages.student import StudentLearner, Weighted, make_terms, train_student
from sfcmt.stages.term import TargetPredictions, Term
from sfcmt.stages.terms.infomax import InfoMax
from sfcmt.stages.terms.pair_features import PairFeatures
from sfcmt.stages.transfer import train_transfer
from sfcmt.testing.tiny import context_of, tiny_experiment


def test_an_average_starts_with_the_first_step_and_lags_behind(
    tiny_data: Path, tiny_store: Path, tmp_path: Path
) -> None:
    context = context_of(tiny_experiment(tiny_data, tiny_store, transfer={"ema": 0.75}), tmp_path)
    learner = StudentLearner(context.new_student(), {"infomax": Weighted(1.0, InfoMax())}, context)
    name, expected = "bottleneck.1.running_mean", []
    start = learner.student.state_dict()[name].clone()
    assert torch.equal(learner.result.state_dict()[name], start)
    for step in range(3):
        learner.student.state_dict()[name].add_(step + 1)
        learner.student.head.parametrizations.weight.original0.data.add_(1)
        learner.end_step()
        expected.append(learner.student.state_dict()[name].clone())
    first, second, third = expected
    average = 0.75 * (0.75 * first + 0.25 * second) + 0.25 * third
    torch.testing.assert_close(learner.result.state_dict()[name], average)
    assert not any(parameter.requires_grad for parameter in learner.result.parameters())


class Watcher(InfoMax):
    """Keeps what it is shown at the start of an epoch."""

    seen: Prediction

    def start_epoch(self, survey: TargetPredictions) -> None:
        self.seen = survey.target


def test_terms_are_shown_all_plain_target_images_in_evaluation_mode(
    tiny_data: Path, tiny_store: Path, tmp_path: Path
) -> None:
    context = context_of(tiny_experiment(tiny_data, tiny_store), tmp_path)
    watcher, student = Watcher(), context.new_student()
    learner = StudentLearner(student, {"watcher": Weighted(1.0, watcher)}, context).train()
    before = {name: tensor.clone() for name, tensor in student.state_dict().items()}
    learner.start_epoch()
    with torch.no_grad():
        expected = context.source(context.data.target.clean(torch.arange(60)).repeat(1, 3, 1, 1))
    torch.testing.assert_close(watcher.seen.logits_BK, expected.logits_BK, atol=1e-5, rtol=1e-4)
    assert all(torch.equal(tensor, before[name]) for name, tensor in student.state_dict().items())
    assert student.training


def test_terms_are_shown_what_the_average_says(tiny_data: Path, tiny_store: Path, tmp_path: Path) -> None:
    context = context_of(tiny_experiment(tiny_data, tiny_store, transfer={"ema": 0.75}), tmp_path)
    watcher = Watcher()
    learner = StudentLearner(context.new_student(), {"watcher": Weighted(1.0, watcher)}, context).train()
    with torch.no_grad():
        expected = context.source(context.data.target.clean(torch.arange(60)).repeat(1, 3, 1, 1)).logits_BK
    for parameter in learner.student.parameters():
        parameter.data.mul_(-1)  # the average has not followed yet
    learner.start_epoch()
    torch.testing.assert_close(watcher.seen.logits_BK, expected, atol=1e-5, rtol=1e-4)


def test_terms_of_no_weight_are_left_out_and_with_none_nothing_is_trained(
    tiny_data: Path, tiny_store: Path, tmp_path: Path
) -> None:
    off = dict.fromkeys(("beta_kl", "beta_f", "beta_self"), 0.0)
    context = context_of(tiny_experiment(tiny_data, tiny_store, transfer=off), tmp_path)
    model = TGKT().adapt(context)
    assert context.workspace.curves == []
    source = context.source.state_dict()
    assert all(torch.equal(tensor, source[name]) for name, tensor in model.classifier.state_dict().items())


def test_the_curves_are_the_weighted_terms(tiny_data: Path, tiny_store: Path, tmp_path: Path) -> None:
    rows = []
    for weight in (1.0, 1e-9):
        context = context_of(
            tiny_experiment(tiny_data, tiny_store, transfer={"epochs": 1, "lr": 1e-12}), tmp_path / str(weight)
        )
        teacher = context.pair_teacher
        train_student(context, {"features": weight}, {"features": partial(PairFeatures, teacher)})
        rows += context.workspace.curves
    assert set(rows[0]) == {"epoch", "features"}
    assert abs(rows[1]["features"] / rows[0]["features"] - 1e-9) < 1e-12


def test_a_term_of_weight_0_is_never_made(tiny_data: Path, tiny_store: Path, tmp_path: Path) -> None:
    def unwanted() -> Term:
        raise AssertionError("made")

    context = context_of(tiny_experiment(tiny_data, tiny_store), tmp_path)
    assert [*make_terms({"infomax": 0.5, "off": 0.0}, {"off": unwanted}, context)] == ["infomax"]


class Asking(Callback):
    """Asks for the outputs of each epoch, as several listeners do."""

    def epoch_ended(self, recipe: Recipe, row: Row, outputs: Callable[[], Outputs | None]) -> None:
        assert outputs() is outputs()


@pytest.mark.parametrize(("callback", "pair_looks"), [(Asking(), 2), (Callback(), 1)])
def test_after_an_epoch_the_images_are_looked_at_once_by_all_who_ask(
    tiny_data: Path, tiny_store: Path, tmp_path: Path, callback: Callback, pair_looks: int
) -> None:
    experiment = tiny_experiment(tiny_data, tiny_store, method="shot", transfer={"epochs": 2})
    workspace = context_of(experiment, tmp_path).workspace
    workspace.callback = callback
    sizes: list[int] = []

    def note(module: nn.Module, given: tuple[Tensor, ...]) -> None:
        if isinstance(module, Classifier) and not module.training:
            sizes.append(len(given[0]))

    handle = register_module_forward_pre_hook(note)
    try:
        train_transfer(workspace)
    finally:
        handle.remove()
    pairs = len(Outputs.load(tmp_path).pair_logits)
    # the start, after each epoch (the last one's look is what is saved), and the source model's of the real sides
    assert sum(sizes) == (1 + 2) * 60 + pair_looks * pairs + pairs


def test_a_model_that_is_changed_is_looked_at_again(tiny_data: Path, tiny_store: Path, tmp_path: Path) -> None:
    context = context_of(tiny_experiment(tiny_data, tiny_store), tmp_path)
    model = context.target_model(context.new_student().train())
    before = context.answers(model).target
    assert context.answers(context.target_model(model.classifier)).target is before
    with torch.no_grad():
        model.classifier.head.parametrizations.weight.original0.mul_(2)
    assert not context.answers(model).target.logits_BK.equal(before.logits_BK)
    assert model.classifier.training
