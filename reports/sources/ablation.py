"""An ablation's folder: `spec.json` and `results.arrow`."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
from pydantic import ValidationError

from sfcmt.experiment import recorded_experiment
from sfcmt.provenance import varying
from sfcmt.reports.sources.evidence import MISSING, NONE, Provenance
from sfcmt.reports.sources.results import Results
from sfcmt.reports.sources.runs import ReportError, runs_of
from sfcmt.reports.statistics.samples import Sample
from sfcmt.tuning.ablation.spec import AblationSpec, CheckedAblation, check_ablation
from sfcmt.tuning.ablation.study import ORACLES, RESULTS, read_extension


@dataclass(frozen=True)
class AblationResults(Results):
    """A finished ablation."""

    checked: CheckedAblation
    oracles: Mapping[str, Sample]
    """What the oracles reach of what is compared, by name and seed; empty if none were trained."""

    @property
    def spec(self) -> AblationSpec:
        """What was asked."""
        return self.checked.spec

    @property
    def why_closed(self) -> str:
        """An ablation opens them at its end."""
        return "the data set has no sealed labels"

    @property
    def opened(self) -> str:
        """A rule that adds seeds by an oracle's judgement looks earlier."""
        looks = self.checked.stopping_rule() is not None and self.spec.test.needs_labels
        return "at each look of the rule that adds seeds, to decide nothing else" if looks else super().opened

    @property
    def baseline(self) -> str:
        """The arm that the others are compared with."""
        return next(run.arm for run in self.runs if run.is_baseline)

    @property
    def level(self) -> float:
        """Of its intervals."""
        return 1 - self.spec.test.alpha

    @property
    def is_factorial(self) -> bool:
        """Whether it is judged by its effects rather than arm by arm."""
        return self.spec.design in ("factorial", "fractional")


def read_ablation(folder: Path, saved: dict[str, Any]) -> AblationResults:
    """Read a finished ablation, `saved` being its `spec.json`. Raises `ReportError`, `ConfigError`."""
    path = folder / RESULTS
    if not path.is_file():
        raise ReportError(f"{folder}: has no results yet; finish it with: sfcmt ablate")
    try:
        table = pa.ipc.open_file(path.read_bytes()).read_all()
        spec = AblationSpec.model_validate(saved["spec"])
    except (pa.ArrowInvalid, ValidationError) as error:
        raise ReportError(f"{folder}: not an ablation's results ({' '.join(str(error).split())})") from error
    if not any(run.is_baseline for run in runs_of(table, str(path))):
        raise ReportError(f"{path}: no row is of the baseline, with which the arms are compared")
    data = dict.fromkeys(zip(table["data"].to_pylist(), table["data_digest"].to_pylist(), strict=True))
    if len(data) > 1:
        raise ReportError(f"{path}: {len(data)} data sets in one study; one is needed")
    checked = check_ablation(spec, recorded_experiment(saved["experiment"]))
    provenance = Provenance(
        _selection(spec, read_extension(folder)),
        saved.get("commit") or MISSING,
        " ".join(next(iter(data))),
        _varying(table),
    )
    oracles = _read_oracles(folder / ORACLES, spec.test.column)
    return AblationResults(saved["name"], folder, saved, checked.experiment, table, provenance, checked, oracles)


def _read_oracles(path: Path, column: str) -> dict[str, Sample]:
    table = pa.ipc.open_file(path.read_bytes()).read_all() if path.is_file() else pa.table({})
    oracles: dict[str, dict[int, float]] = {}
    for row in table.to_pylist() if column in table.column_names else ():
        oracles.setdefault(row["oracle"], {})[row["seed"]] = row[column]
    return dict(oracles)


def _varying(table: pa.Table) -> str:
    """In what the runs differ that should change them by rounding only: paired differences rest on it."""
    found = varying(json.loads(text) for text in table["made_by"].to_pylist() if text)
    return "; ".join(f"{name}: {', '.join(values)}" for name, values in found.items()) or NONE


def _selection(spec: AblationSpec, shown: Sequence[int]) -> str:
    steps = ", then ".join(f"from {seeds} seeds after their results were shown" for seeds in shown)
    extended = f"; extended {steps}" if steps else ""
    if spec.nuisance is None:
        return f"none: every arm is shown{extended}"
    fields = ", ".join(spec.nuisance.space)
    return f"{fields} of each arm by {spec.nuisance.pick} over {spec.nuisance.trials} trials, without labels{extended}"
