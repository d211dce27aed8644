"""A search's folder: its Optuna study, `selection.json`, and `scores.json` if it has been scored."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
from optuna.trial import FrozenTrial, TrialState

from sfcmt.recipes import TRANSFER
from sfcmt.reports.sources.evidence import MISSING, Provenance
from sfcmt.reports.sources.results import Results
from sfcmt.reports.sources.runs import ORACLE, SCHEMA, VALIDATOR, Run
from sfcmt.tuning.search.distilling import DISTILLED, METHOD
from sfcmt.tuning.search.study import Study, extension_text
from sfcmt.tuning.search.study_folder import read_spec


@dataclass(frozen=True)
class SearchResults(Results):
    """A finished search: its trials and anchors are runs under one seed."""

    study: Study
    selection: dict[str, Any]
    scores: dict[str, Any] | None

    @property
    def why_closed(self) -> str:
        """They wait for `sfcmt score`."""
        return "no labels have been opened; sfcmt score does that"

    @property
    def winner(self) -> Run:
        """The trial that was picked."""
        return self.runs_of(_arm(self.selection["winner"]))[0]

    @property
    def rivals(self) -> tuple[Run, ...]:
        """What the winner is compared with: the methods that are always in the pool, and what it was distilled into."""
        return tuple(run for run in self.runs if run.arm in (*self.study.spec.anchors, DISTILLED))

    @property
    def pick(self) -> Provenance:
        """Of what is said of the winner."""
        chosen = f"{self.selection['pick']} over {len(self.selection['scores'])} models, {self.study.record.chosen}"
        return self.provenance.selected(_selection(chosen, self.selection))

    def run_of(self, trial: FrozenTrial) -> Run:
        """A trial's run."""
        return self.runs_of(_arm(trial.number))[0]


def read_search(study: Study) -> SearchResults:
    """Read a search that has named its winner. Raises `SearchError`."""
    selection, scores = study.selection(), study.scores()
    saved = read_spec(study.folder)
    digest, data = study.dataset.whole_digest, study.dataset.manifest.name
    shared = {
        "study": study.folder.name,
        "experiment": Path(study.spec.experiment).stem,
        "data": data,
        "data_digest": digest,
        "seed": study.experiment.seed,
    }
    judged = {
        name.removeprefix("oracle_"): values for name, values in (scores or {}).items() if name.startswith("oracle_")
    }
    rows: list[dict[str, Any]] = [
        shared | row for row in (*_anchor_rows(study), *_trial_rows(study), *_distilled_rows(study))
    ]
    for row in rows:
        key = row["arm"].removeprefix("trial ")
        row |= {f"{ORACLE}{name}": values[key] for name, values in judged.items() if key in values}
        if key in selection["scores"]:
            row[f"{VALIDATOR}{selection['pick']}"] = selection["scores"][key]
    names = dict.fromkeys(name for row in rows for name in row if name.startswith((VALIDATOR, ORACLE)))
    schema = pa.schema(
        [*SCHEMA, *((name, pa.float64()) for name in sorted(names, key=lambda name: name.startswith(ORACLE)))]
    )
    return SearchResults(
        study.name,
        study.folder,
        saved,
        study.experiment,
        pa.Table.from_pylist(rows, schema),
        Provenance(
            _selection("none: every model is shown", selection),
            _commit(study, saved.get("commit") or MISSING),
            f"{data} {digest}",
        ),
        study,
        selection,
        scores,
    )


def _anchor_rows(study: Study) -> list[dict[str, Any]]:
    return [
        {
            "method": name,
            "arm": name,
            "is_baseline": place == 0,
            "factors": "{}",
            "transfer": identity,
            "seconds": artifact.seconds if (artifact := study.store.open(TRANSFER, identity)) else None,
        }
        for place, (name, identity) in enumerate(study.record.anchors.items())
    ]


def _trial_rows(study: Study) -> list[dict[str, Any]]:
    return [_trial_row(study, trial) for trial in study.trials]


def _trial_row(study: Study, trial: FrozenTrial) -> dict[str, Any]:
    notes = trial.user_attrs
    stage = notes.get("stages", {}).get(notes.get("transfer"), {})
    values = trial.values if trial.state == TrialState.COMPLETE else ()
    scores = notes.get("validators", {}) | dict(zip(study.spec.objective.names, values, strict=False))
    return {
        "method": study.experiment.method,
        "arm": _arm(trial.number),
        "is_baseline": False,
        "factors": json.dumps(notes.get("values", {})),
        "transfer": notes.get("transfer"),
        "seconds": stage.get("seconds"),
        "reused": stage.get("reused"),
    } | {f"{VALIDATOR}{name}": value for name, value in scores.items()}


def _distilled_rows(study: Study) -> list[dict[str, Any]]:
    """A row if the study has been distilled."""
    if (distilled := study.distilled()) is None:
        return []
    artifact = study.store.open(TRANSFER, distilled["transfer"])
    return [
        {
            "method": METHOD,
            "arm": DISTILLED,
            "is_baseline": False,
            "factors": json.dumps({"trials": distilled["trials"]}),
            "transfer": distilled["transfer"],
            "seconds": artifact.seconds if artifact else None,
        }
        | {f"{VALIDATOR}{name}": value for name, value in distilled["validators"].items()}
    ]


def _commit(study: Study, searched: str) -> str:
    """Of the search, and of what was distilled from it if the code was another by then."""
    distilled = (study.distilled() or {}).get("commit", searched)
    return searched if distilled == searched else f"{searched}, {DISTILLED} at {distilled}"


def _arm(number: int) -> str:
    return f"trial {number}"


def _selection(how: str, selection: dict[str, Any]) -> str:
    extended = extension_text(selection)
    return f"{how}; {extended}" if extended else how
