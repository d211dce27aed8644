"""The learner of every transfer: a student under a weighted sum of terms."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from sfcmt.config import TransferConfig
from sfcmt.data.batches import UnlabelledBatch
from sfcmt.models.classifier import Classifier, Prediction, set_batchnorm_momentum
from sfcmt.models.target_model import TargetModel
from sfcmt.models.translators.copy import channel_copy
from sfcmt.outputs import Outputs
from sfcmt.stages.fit import fit
from sfcmt.stages.learner import Learner, ParameterGroup, classifier_groups
from sfcmt.stages.predict import predict_rows
from sfcmt.stages.terms.base import Step, TargetPredictions, Term, TermMakers
from sfcmt.stages.transfer_context import TransferContext, outputs_of


class Weighted(NamedTuple):
    """A term and its weight in the sum."""

    weight: float
    term: Term


def train_student(
    context: TransferContext[Any],
    weights: Mapping[str, float],
    terms: TermMakers,
    start: Classifier | None = None,
) -> TargetModel:
    """Train a copy of `start` (the method's own, if None) under the terms of positive weight; with none, it stays."""
    active = make_terms(weights, terms)
    student = context.new_student(start)
    if not active:
        return context.target_model(student)
    context.workspace.seed_everything("init")
    learner = StudentLearner(student, active, context)
    fit(learner, context.data, context.config, context.workspace)
    return context.target_model(learner.result)


def make_terms(weights: Mapping[str, float], terms: TermMakers) -> dict[str, Weighted]:
    """The terms of positive weight. No other is made: that may draw random numbers, or load what nothing needs."""
    return {name: Weighted(weight, terms[name]()) for name, weight in weights.items() if weight > 0}


class StudentLearner(Learner[UnlabelledBatch]):
    """F_t under frozen C, with an averaged copy if the config asks for one."""

    def __init__(self, student: Classifier, terms: Mapping[str, Weighted], context: TransferContext[Any]) -> None:
        super().__init__()
        config: TransferConfig = context.config
        self.student, self._context = student, context
        self._weights = {name: weighted.weight for name, weighted in terms.items()}
        self.terms = nn.ModuleDict({name: weighted.term for name, weighted in terms.items()})
        self._follows_pairs = not any(weighted.term.reads_target for weighted in terms.values())
        set_batchnorm_momentum(student, config.bn_momentum)
        self.average = _average_of(student, config.ema) if config.ema else None

    @property
    def result(self) -> Classifier:
        """The averaged student if there is one, else the student."""
        return self.student if self.average is None else self.average.module  # type: ignore[return-value]

    def parameter_groups(self) -> list[ParameterGroup]:
        """The student's groups, and what terms train of their own at the head's rate."""
        own = [parameter for parameter in self.terms.parameters() if parameter.requires_grad]
        training: TransferConfig = self._context.config
        groups = classifier_groups(self.student, training)
        return [*groups, {"params": own, "lr": training.lr * training.head_lr}] if own else groups

    def start_epoch(self) -> None:
        """Show the terms what the current model says of all target images."""
        survey = TargetPredictions(self._look)
        for term in self.terms.values():
            term.start_epoch(survey)  # type: ignore[operator]

    def forward(self, batch: UnlabelledBatch) -> dict[str, Tensor]:
        """The weighted terms of one batch."""
        step = Step(self.student, batch, self._follows_pairs, self.progress)
        return {name: self._weights[name] * term(step) for name, term in self.terms.items()}

    def end_step(self) -> None:
        """Let the average follow."""
        if self.average is not None:
            self.average.update_parameters(self.student)

    def outputs(self) -> Outputs:
        """What the current result says, in evaluation mode."""
        model = self._context.target_model(self.result)
        was_training = self.result.training
        outputs = outputs_of(model.to(self._context.workspace.device).eval(), self._context)
        self.result.train(was_training)
        return outputs

    def _look(self) -> Prediction:
        model = self.result
        was_training = model.training
        model.eval()
        prediction = predict_rows(lambda x: model(channel_copy(x)), self._context.data.target)
        model.train(was_training)
        return prediction


def _average_of(student: Classifier, decay: float) -> AveragedModel:
    follow = get_ema_multi_avg_fn(decay)  # type: ignore[no-untyped-call]
    average = AveragedModel(student, multi_avg_fn=follow, use_buffers=True)
    return average.requires_grad_(False)
