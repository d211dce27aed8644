"""What a trial reports while it runs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from filelock import FileLock

from sfcmt.recipes import source_recipe
from sfcmt.tuning.search.ray_bridge import AT, FINISHED, METRICS, NUMBER, VALUES
from sfcmt.tuning.search.trial import TrialContext, train_and_judge
from sfcmt.workspace import train_here
from tests.tuning.search.test_study import study_of


def test_a_trial_reports_what_it_waits_for_and_what_it_trains(tiny_data: Path, tmp_path: Path) -> None:
    study = study_of(tiny_data, tmp_path, anchors=[], objective={"validator": "infomax"})
    experiment = study.experiment
    source = source_recipe(experiment, study.dataset, experiment.seed)
    (tmp_path / "locks").mkdir(exist_ok=True)
    elsewhere = FileLock(tmp_path / "locks" / f"source-{source.identity}")
    elsewhere.acquire()
    reports: list[dict[str, Any]] = []

    def report(result: dict[str, Any]) -> None:
        reports.append(result)
        elsewhere.release()

    context = TrialContext(
        "mine", experiment.model_dump(mode="json"), study.dataset.folder, study.spec.objective, (), reports=False
    )
    assert train_and_judge({NUMBER: 0, VALUES: {}}, context, report, train_here)[FINISHED]
    trained = [name + epoch for name in ("source", "bridge", "transfer") for epoch in ("", " epoch 2/2", " epoch 2/2")]
    assert [told[AT] for told in reports] == ["source waits for the process that trains it", *trained]
    assert [METRICS in told for told in reports] == [False, *[False, True, True] * 3]
