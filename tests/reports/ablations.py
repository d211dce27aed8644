"""Ablations whose results are written by hand: folders as `sfcmt ablate` leaves them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import pyarrow as pa

from sfcmt.data.dataset import Dataset
from sfcmt.reports.sources.ablation import AblationResults, read_ablation
from sfcmt.testing.tiny import tiny_experiment
from sfcmt.tuning.ablation.results import ORACLE_SCHEMA, SCHEMA, to_bytes
from sfcmt.tuning.ablation.spec import AblationSpec, check_ablation
from sfcmt.tuning.ablation.study import ORACLES, RESULTS
from sfcmt.tuning.search.study_folder import SPEC

FACTORS: dict[str, dict[str, Any]] = {
    "features": {"transfer.beta_f": 0},
    "self": {"transfer.beta_self": 0},
    "domain_1": {"bridge.alpha_d": 0.5},
}
WORTH = {"features": -0.08, "self": -0.02, "domain_1": 0.0}
"""What each change does to balanced accuracy."""
Values = Mapping[tuple[str, int], float | None]


def ablation(
    folder: Path,
    data: Path,
    store: Path | None = None,
    values: Values = MappingProxyType({}),
    commit: str | None = None,
    digest: str | None = None,
    scored: bool = True,
    oracles: Mapping[str, Sequence[float]] = MappingProxyType({}),
    name: str | None = None,
    **spec: Any,
) -> AblationResults:
    """A folder with results; `values` replace some of those that follow from `WORTH`, None being a failed run's.

    `oracles` have a value for each seed.
    """
    experiment = tiny_experiment(data, store or folder / "store")
    raw: dict[str, Any] = {"experiment": "tiny", "design": "leave_one_out", "factors": FACTORS, "seeds": 5} | spec
    checked = check_ablation(AblationSpec.model_validate(raw), experiment)
    dataset = Dataset(data)
    shared = {
        "study": folder.name,
        "experiment": "tiny",
        "method": experiment.method,
        "data": dataset.manifest.name,
        "data_digest": digest or dataset.whole_digest,
    }
    rows = []
    for arm in checked.design.arms:
        own = {"arm": arm.name, "is_baseline": arm == checked.design.baseline, "factors": json.dumps(dict(arm.levels))}
        for seed in checked.seeds(raw["seeds"] if isinstance(raw["seeds"], int) else raw["seeds"]["max"]):
            value = values.get((arm.name, seed), _drawn(arm.levels, seed))
            rows.append(shared | own | _measured(arm.name, seed, value, scored))
    folder.mkdir(parents=True, exist_ok=True)
    (folder / RESULTS).write_bytes(to_bytes(pa.Table.from_pylist(rows, SCHEMA)))
    if oracles:
        (folder / ORACLES).write_bytes(to_bytes(pa.Table.from_pylist(_judged(oracles), ORACLE_SCHEMA)))
    saved = {
        "kind": "ablation",
        "name": name or folder.name,
        "spec": checked.spec.model_dump(mode="json", exclude_none=True),
        "experiment": experiment.model_dump(mode="json"),
    } | ({"commit": commit} if commit else {})
    (folder / SPEC).write_text(json.dumps(saved))
    return read_ablation(folder, saved)


def _measured(arm: str, seed: int, value: float | None, scored: bool) -> dict[str, Any]:
    return {
        "seed": seed,
        "transfer": f"{arm}-{seed}".replace("+", "-"),
        "seconds": 2.0 + seed,
        "reused": seed == 0,
        "validator/infomax": None if value is None else value - 1,
        "oracle/accuracy": value if scored else None,
        "oracle/balanced_accuracy": value if scored else None,
    }


def _judged(oracles: Mapping[str, Sequence[float]]) -> list[dict[str, Any]]:
    return [
        {"oracle": name, "seed": seed, "oracle/accuracy": value, "oracle/balanced_accuracy": value}
        for name, given in oracles.items()
        for seed, value in enumerate(given)
    ]


def _drawn(levels: Mapping[str, str], seed: int) -> float:
    """Seeds shift all arms alike, and each arm a little by itself."""
    changed = sorted(name for name, level in levels.items() if level != "own")
    own = np.random.default_rng([seed, *map(len, changed)]).normal(0, 0.01)
    return float(0.8 + 0.01 * seed + sum(WORTH.get(name, 0) for name in changed) + own)
