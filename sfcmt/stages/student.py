"""The learner of every transfer: a student under a weighted sum of terms."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from torch import Tensor, nn

from sfcmt.config import TransferConfig
from sfcmt.data.batches import UnlabelledBatch
from sfcmt.models.classifier import Classifier, set_batchnorm_momentum
from sfcmt.models.target_model import TargetModel
from sfcmt.outputs import Outputs
from sfcmt.stages.average import Average
from sfcmt.stages.fit import fit
from sfcmt.stages.learner import Learner, ParameterGroup, classifier_groups
from sfcmt.stages.term import Step, TargetPredictions, Term, TermMakers
from sfcmt.stages.terms import TERMS
from sfcmt.stages.transfer_context import Answers, TransferContext


class Weighted(NamedTuple):
    """A term and its weight in the sum."""

    weight: float
    term: Term


def train_student(
    context: TransferContext[Any],
    weights: Mapping[str, float],
    makers: TermMakers | None = None,
    start: Classifier | None = None,
) -> TargetModel:
    """Train a copy of `start` (the method's own, if None) under the terms of positive weight; with none, it stays."""
    active = make_terms(weights, makers or {}, context)
    student = context.new_student(start)
    if not active:
        return context.target_model(student)
    context.workspace.seed_everything("init")
    learner = StudentLearner(student, active, context)
    fit(learner, context.data, context.config, context.workspace)
    return context.target_model(learner.result)


def make_terms(weights: Mapping[str, float], makers: TermMakers, context: TransferContext[Any]) -> dict[str, Weighted]:
    """The terms of positive weight. No other is made: that may draw random numbers, or load what nothing needs."""
    active = {name: weight for name, weight in weights.items() if weight > 0}
    return {
        name: Weighted(weight, makers[name]() if name in makers else TERMS[name].make(context))
        for name, weight in active.items()
    }


class StudentLearner(Learner[UnlabelledBatch]):
    """F_t under frozen C, with an averaged copy if the config asks for one."""

    def __init__(self, student: Classifier, terms: Mapping[str, Weighted], context: TransferContext[Any]) -> None:
        super().__init__()
        config: TransferConfig = context.config
        self.student, self._context = student, context
        self._weights = {name: weighted.weight for name, weighted in terms.items()}
        self.terms = nn.ModuleDict({name: weighted.term for name, weighted in terms.items()})
        self._follows_pairs = not any(weighted.term.reads_target for weighted in terms.values())
        self._with_statistics = any(weighted.term.reads_statistics for weighted in terms.values())
        set_batchnorm_momentum(student, config.bn_momentum)
        self.average = Average(student, config.ema) if config.ema else None

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

    def networks(self) -> list[nn.Module]:
        """The student, unless its layers are looked into."""
        return [] if self._with_statistics else [self.student]

    def start_epoch(self) -> None:
        """Show the terms what the current model says of all target images."""
        survey = TargetPredictions(lambda: self._answers().target)
        for term in self.terms.values():
            term.start_epoch(survey)  # type: ignore[operator]
        self._context.forget_answers()

    def forward(self, batch: UnlabelledBatch) -> dict[str, Tensor]:
        """The weighted terms of one batch."""
        step = Step(self.student, batch, self._follows_pairs, self.progress, self.precision, self._with_statistics)
        return {name: self._weights[name] * term(step) for name, term in self.terms.items()}

    def end_step(self) -> None:
        """Let the average follow."""
        if self.average is not None:
            self.average.update_parameters(self.student)

    def outputs(self) -> Outputs:
        """What the current result says, in evaluation mode."""
        return self._answers().outputs

    def _answers(self) -> Answers:
        return self._context.answers(self._context.target_model(self.result))
