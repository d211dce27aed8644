"""A finished study: its runs, where they come from, and what its models said, as far as that is at hand."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pyarrow as pa
import torch
from torch import Tensor

from sfcmt.data.dataset import Dataset
from sfcmt.data.target_holdout import held_out
from sfcmt.errors import DataError
from sfcmt.evaluation.labels import TargetLabels, has_labels, open_labels
from sfcmt.experiment import Experiment
from sfcmt.outputs import Outputs
from sfcmt.recipes import TRANSFER
from sfcmt.reports.sources.evidence import Provenance
from sfcmt.reports.sources.runs import Run, runs_of
from sfcmt.store import Store
from sfcmt.task import open_task


@dataclass(frozen=True)
class Results(ABC):
    """What searches and ablations have in common."""

    name: str
    """The spec's, without the study's identity."""
    folder: Path
    saved: dict[str, Any]
    """`spec.json`: name, spec, experiment, and the commit if it was written down."""
    experiment: Experiment[Any]
    table: pa.Table
    provenance: Provenance

    @cached_property
    def runs(self) -> tuple[Run, ...]:
        """The rows of the table."""
        return runs_of(self.table, str(self.folder))

    @property
    def arms(self) -> tuple[str, ...]:
        """Names of the arms, in the order of the table."""
        return tuple(dict.fromkeys(run.arm for run in self.runs))

    @property
    def seeds(self) -> tuple[int, ...]:
        """All seeds, in order."""
        return tuple(sorted({run.seed for run in self.runs}))

    @property
    def data(self) -> str:
        """The data set's name."""
        return str(self.table["data"][0].as_py())

    @property
    def digest(self) -> str:
        """The data set's digest."""
        return str(self.table["data_digest"][0].as_py())

    @property
    def method(self) -> str:
        """The method that was studied."""
        return str(self.experiment.method)

    @cached_property
    def is_scored(self) -> bool:
        """Whether the labels have been opened for it."""
        return any(name.startswith("oracle/") for run in self.runs for name in run.scores)

    @property
    def asked(self) -> str:
        """The experiment's name: the same whether it came with sfcmt or from a file."""
        return Path(self.saved["spec"]["experiment"]).stem

    @property
    @abstractmethod
    def why_closed(self) -> str:
        """Why no labels have been opened, where none have."""

    @property
    def opened(self) -> str:
        """When the labels were opened, where they were."""
        return "after everything was chosen"

    @cached_property
    def store(self) -> Store:
        """Where its stages are."""
        return Store(self.experiment.runtime.store)

    @cached_property
    def dataset(self) -> Dataset | None:
        """Its data set, if that is on this machine and unchanged."""
        try:
            dataset = open_task(self.experiment, self.store.root)
            return dataset if dataset.whole_digest == self.digest else None
        except DataError:
            return None

    @cached_property
    def target(self) -> TargetLabels | None:
        """The sealed labels and frames of images adapted to, if the study is scored: what is closed stays closed."""
        if not self.is_scored or self.dataset is None or not has_labels(self.dataset):
            return None
        held_out_N = torch.from_numpy(held_out(self.dataset, self.experiment.data.target_holdout))
        return open_labels(self.dataset).of(~held_out_N)

    @property
    def labels(self) -> Tensor | None:
        """The labels (N,) by themselves."""
        return self.target.labels_N if self.target else None

    def logits(self, run: Run) -> Tensor | None:
        """What a run's model says of the target images that it adapted to (N, K), if its outputs are in the store."""
        artifact = self.store.open(TRANSFER, run.transfer) if run.transfer else None
        return Outputs.load(artifact.path).adapted_to.target_logits if artifact else None

    def runs_of(self, arm: str) -> list[Run]:
        """An arm's runs."""
        return [run for run in self.runs if run.arm == arm]
