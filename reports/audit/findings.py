"""What an audit finds: the accuracy of a model, by how much one of two is better, or several at once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, TypeVar

from sfcmt.reports.audit.audited import Audited, AuditedModel
from sfcmt.reports.audit.balanced import BalancedEstimate, balanced_accuracy
from sfcmt.reports.audit.draw import Draw
from sfcmt.reports.audit.estimates import Estimate, estimate
from sfcmt.reports.audit.selection import select
from sfcmt.reports.statistics.interval import Interval

T = TypeVar("T", Estimate, BalancedEstimate)


@dataclass(frozen=True)
class Finding:
    """An estimate, and of which models: of one its accuracy, of two by how much the first is better."""

    names: tuple[str, ...]
    transfers: tuple[str, ...]
    estimate: Estimate
    balanced: BalancedEstimate | None = None

    @property
    def document(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return asdict(self)

    @staticmethod
    def of(document: Mapping[str, Any]) -> Finding:
        """What `document` gave, also after a passage through JSON."""
        names, transfers = (tuple(document[name]) for name in ("names", "transfers"))
        balanced = document["balanced"]
        return Finding(
            names, transfers, _read(Estimate, document["estimate"]), balanced and _read(BalancedEstimate, balanced)
        )


def findings(audited: Audited, drawn: Draw, answers: Mapping[int, int | None], extended: bool) -> list[Finding]:
    """All that the question asks for, the model that is asked about first; nothing as long as no label is told."""
    first, *others = audited.models
    if all(label is None for label in answers.values()):
        return []
    if len(others) == 1:
        two = estimate(drawn, answers, first.predictions, others[0].predictions, audited.frames, extended=extended)
        return [_finding(two, first, *others)]
    if not others:
        one = estimate(drawn, answers, first.predictions, None, audited.frames, extended=extended)
        return [
            _finding(one, first, balanced=balanced_accuracy(drawn, answers, first.predictions, len(audited.classes)))
        ]
    predicted = {model.transfer: model.predictions for model in audited.models}
    alone = select(drawn, answers, predicted, None, audited.frames, extended=extended).estimates
    rivals = {model.transfer: model.predictions for model in others}
    better = select(drawn, answers, rivals, first.predictions, audited.frames, extended=extended).estimates
    accuracies = [_finding(alone[model.transfer], model) for model in audited.models]
    return accuracies + [_finding(better[model.transfer], model, first) for model in others]


def _finding(found: Estimate, *models: AuditedModel, balanced: BalancedEstimate | None = None) -> Finding:
    names, transfers = (tuple(getattr(one, name) for one in models) for name in ("name", "transfer"))
    return Finding(names, transfers, found, balanced)


def _read(kind: type[T], document: Mapping[str, Any]) -> T:
    values: dict[str, Any] = {
        name: Interval(**value) if isinstance(value, dict) else tuple(value) if isinstance(value, list) else value
        for name, value in document.items()
    }
    return kind(**values)
