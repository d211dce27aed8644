"""Searches whose trials are written by hand: folders as `sfcmt tune` leaves them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from sfcmt.evaluation.labels import open_labels
from sfcmt.tuning.search.scoring import score_study
from sfcmt.tuning.search.study import Study
from tests.tuning.search.test_study import outputs, study_of, tell_evidence

RIGHTS = (12, 45, 30, 54, 24, 48, 39, 51, 33, 57, 42)
"""Of 60 images, by completed trial; one trial more is stopped early, and one fails."""


def search(data: Path, store: Path, name: str = "mine", scored: bool = True, **spec: Any) -> Study:
    """A finished search, whose objective and pick are not quite of the labels' mind."""
    trials = len(RIGHTS) + 2
    study = study_of(data, store, name, anchors=["source_only", "shot"], search={"trials": trials}, **spec)
    labels_N = open_labels(study.dataset).labels_N.tolist()
    tell_evidence(study, labels_N, frames=1)
    for stage, right in zip(study.anchors, (21, 36), strict=True):
        _artifact(study, stage.identity, right, labels_N)
    for place, right in enumerate(RIGHTS):
        found = study.optuna.next_trial()
        assert found is not None
        identity = f"{place:020d}"
        _artifact(study, identity, right, labels_N)
        noted = {identity: {"kind": "transfer", "reused": place == 3, "seconds": 4.5 + place}}
        shared = {"b" * 20: {"kind": "source", "reused": place > 0, "seconds": 11.0}}
        study.optuna.note(found[0], "transfer", identity)
        study.optuna.note(found[0], "stages", shared | noted)
        study.optuna.note(found[0], "validators", {"infomax": -1.5 + right / 60})
        study.optuna.complete(found[0], [0.4 + right / 150 + found[1]["transfer.beta_kl"] / 50])
    _stop_one_and_fail_one(study)
    study.pick()
    if scored:
        score_study(study)
    return study


def _stop_one_and_fail_one(study: Study) -> None:
    for end in ("stop", "fail"):
        found = study.optuna.next_trial()
        assert found is not None
        if end == "fail":
            study.optuna.fail(found[0], "the objective is nan, <b>so to say</b>")
        else:
            study.optuna.report(found[0], 1, 0.47)
            study.optuna.prune(found[0])


def _artifact(study: Study, identity: str, right: int, labels_N: list[int]) -> None:
    folder = study.store.root / "stages" / f"transfer-{identity}"
    folder.mkdir(parents=True, exist_ok=True)
    outputs(right, labels_N).save(folder)
    (folder / "artifact.json").write_text(json.dumps({"identity": identity, "seconds": 3}))
