"""A few labels of target images that a user hands in himself, to choose models by: the exception to the label firewall.

Of each class k with n_k labels, a model's recall is taken to be the mean of a Beta distribution in which the label-free
rank P, in (0, 1), counts as much as one label: (right_k + P) / (n_k + 1). The mean over all K classes is

    w A + (1 - w) P,    w = mean_k n_k / (n_k + 1),    A = mean over the labels, each weighted by 1 / (n_k + 1), of
                                                           1[the model is right].

That is class-balanced accuracy, shrunk class by class (empirical Bayes: weight n / (n + m), m one label a class): where
a class has no label, the rank stands in for it, and many labels leave the rank to settle ties. How sure a model is
plays no part.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sfcmt.data.dataset import Dataset
from sfcmt.data.labels_table import read_labels
from sfcmt.data.schema import Split
from sfcmt.data.target_holdout import held_out
from sfcmt.errors import ConfigError, Problem
from sfcmt.identity import digest
from sfcmt.listing import listed
from sfcmt.outputs import Outputs

FEW_LABELS = "few_labels"
"""What A is called among scores."""
BY_FEW_LABELS = f"{FEW_LABELS}_"
"""Before the name of a label-free score that few labels are combined with."""
MIN_LABELS = 2
"""Of a class; fewer are told."""


@dataclass(frozen=True)
class FewLabels:
    """Labels of n target images."""

    ids: tuple[str, ...]
    rows: tuple[int, ...]
    """Where the images are in the target's file."""
    labels: tuple[int, ...]
    """Places in `classes`."""
    classes: tuple[str, ...]
    unused: int = 0
    """Labels of images that are held out of adaptation, which choose nothing."""

    @property
    def text(self) -> str:
        """How something was chosen by these."""
        return f"by {len(self.ids)} {'label' if len(self.ids) == 1 else 'labels'} of the user's"

    @property
    def document(self) -> dict[str, Any]:
        """What a study's identity has of them: which image has which label, in whatever order they were given."""
        told = sorted((id_, self.classes[label]) for id_, label in zip(self.ids, self.labels, strict=True))
        return {"labels": len(told), "digest": digest(told)}

    @cached_property
    def _counts(self) -> NDArray[np.int64]:
        return np.bincount(self.labels, minlength=len(self.classes))

    @property
    def weight(self) -> float:
        """w, in [0, 1)."""
        return float((self._counts / (self._counts + 1)).mean())

    def accuracy(self, outputs: Outputs) -> float:
        """A, in [0, 1], of a model by its outputs on all target images."""
        said_n = outputs.target_logits[list(self.rows)].argmax(dim=1).numpy()
        return float(np.average(said_n == np.array(self.labels), weights=1 / (self._counts[list(self.labels)] + 1)))

    def combined(self, accuracy: float, rank: float) -> float:
        """The estimate of class-balanced accuracy from A and the label-free rank P."""
        return self.weight * accuracy + (1 - self.weight) * rank

    def warnings(self) -> Iterator[str]:
        """What a user should know, a line each."""
        by_count = [
            [name for name, n in zip(self.classes, self._counts, strict=True) if n == count]
            for count in range(MIN_LABELS)
        ]
        if by_count[0]:
            yield f"no label of {listed(by_count[0])}: label-free scores alone speak for what they are"
        if by_count[1]:
            yield f"a single label of {listed(by_count[1])}"
        if self.unused:
            yield f"not used, as data.target_holdout keeps their images out: {self.unused} labels"

    def as_json(self) -> dict[str, Any]:
        """Plain values."""
        return asdict(self)

    @staticmethod
    def from_json(values: Mapping[str, Any]) -> FewLabels:
        """What `as_json` made, also after a passage through JSON."""
        plain: dict[str, Any] = {name: tuple(one) if isinstance(one, list) else one for name, one in values.items()}
        return FewLabels(**plain)


def read_few_labels(path: Path, dataset: Dataset, target_holdout: float) -> FewLabels:
    """Read a table of id and label. Raises `ConfigError`, `DataError`."""
    ids: list[str] = dataset.columns(Split.TARGET, "id")["id"].to_pylist()
    rows = {id_: row for row, id_ in enumerate(ids)}
    told = read_labels(path, rows, dataset.classes, "the id of a target image")
    held_out_N = held_out(dataset, target_holdout)
    places = {name: place for place, name in enumerate(dataset.classes)}
    used = {id_: places[label] for id_, label in told.items() if label is not None and not held_out_N[rows[id_]]}
    if not used:
        allowed = "a table with a label of one image at least that is not held out"
        raise ConfigError([Problem(f"objective.{FEW_LABELS}", str(path), allowed)])
    return FewLabels(
        tuple(used),
        tuple(rows[id_] for id_ in used),
        tuple(used.values()),
        tuple(dataset.classes),
        len(told) - len(used),
    )
