"""A model that was found at a place that a user named, and what is known of it there."""

from __future__ import annotations

from dataclasses import dataclass

from sfcmt.data.dataset import Dataset
from sfcmt.data.schema import Split
from sfcmt.reports.audit.audited import AuditedModel
from sfcmt.store import Store
from sfcmt.tuning.search.study import Study


@dataclass(frozen=True, eq=False)
class Found:
    """A model at a place that a user named."""

    model: AuditedModel
    store: Store
    data: str
    """Digest of what it was adapted to: the target images, or these and the pairs."""
    classes: tuple[str, ...]
    study: Study | None = None
    """The finished study that it is from, where that is here."""

    few_labels: int = 0
    """How many labels of the user's chose it, where a registered model says so."""

    def answers_for(self, dataset: Dataset) -> bool:
        """Whether the model has answered the target images of a data set."""
        pairs = (Split.PAIRS,) if dataset.has_pairs else ()
        return self.data in (dataset.digest(Split.TARGET), dataset.digest(*pairs, Split.TARGET))
