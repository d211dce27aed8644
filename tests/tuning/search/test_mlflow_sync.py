"""What several drivers of one study write to MLflow."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import mlflow
import pytest

from sfcmt.models.target_model import TargetModel
from sfcmt.tuning.search import mlflow_sync
from sfcmt.tuning.search.mlflow_sync import SearchSync
from sfcmt.tuning.search.scoring import score_study
from tests.database import new_database
from tests.tuning.conftest import using
from tests.tuning.search.test_study import TRIALS, fill, study_of


def test_several_drivers_make_no_run_twice(tiny_data: Path, tmp_path: Path) -> None:
    study = study_of(tiny_data, tmp_path / "store")
    fill(study, [40, 50])
    with using(new_database(tmp_path)):
        syncs = [SearchSync(study) for _ in range(4)]
        with ThreadPoolExecutor(len(syncs)) as pool:
            assert all(pool.map(SearchSync.sync, syncs))
        client = mlflow.MlflowClient()
        experiment = client.get_experiment_by_name(study.name)
        runs = client.search_runs([experiment.experiment_id])
        values = {trial.number: trial.user_attrs["values"] for trial in study.trials}
    names = [run.info.run_name for run in runs]
    assert sorted(names) == sorted([study.name, *(f"trial {number}" for number in range(TRIALS))])
    for number, expected in values.items():
        (run,) = [run for run in runs if run.info.run_name == f"trial {number}"]
        assert run.data.params == {name: str(value) for name, value in expected.items()}


def test_a_run_whose_maker_died_gets_its_values(tiny_data: Path, tmp_path: Path) -> None:
    study = study_of(tiny_data, tmp_path / "store")
    fill(study, [40, 50])
    with using(new_database(tmp_path)):
        client = mlflow.MlflowClient()
        experiment = client.create_experiment(study.name)
        client.create_run(experiment, tags={"sfcmt.identity": f"{study.identity}-0"}, run_name="trial 0")
        assert SearchSync(study).sync()
        (run,) = client.search_runs([experiment], f"tags.`sfcmt.identity` = '{study.identity}-0'")
    assert run.data.params == {name: str(value) for name, value in study.trials[0].user_attrs["values"].items()}


def test_what_labels_say_is_named_so(tiny_data: Path, tmp_path: Path) -> None:
    study = study_of(tiny_data, tmp_path / "store")
    fill(study, [15, 60, 30, 45], anchor=30)
    with using(new_database(tmp_path)):
        sync = SearchSync(study)
        assert sync.sync()  # before there is a winner, whose model is not made here
        study.pick()
        scores = score_study(study)
        sync.write_oracles(scores)
        client = mlflow.MlflowClient()
        runs = client.search_runs([client.get_experiment_by_name(study.name).experiment_id])
    told = {
        run.info.run_name: {name: value for name, value in run.data.metrics.items() if "oracle" in name} for run in runs
    }
    assert told["trial 1"] == {"oracle/accuracy": 1.0, "oracle/balanced_accuracy": 1.0}
    regrets = {f"oracle/regret/{name}": found["regret"] for name, found in scores["validators"].items()}
    assert (
        told[study.name]
        == {
            "oracle/regret": 0.5,
            "oracle/worst_regret": 0.75,
            "oracle/cross_fitted_regret": scores["cross_fitted_regret"],
        }
        | regrets
    )
    assert regrets["oracle/regret/ensv"] == 0.5


def test_the_model_of_a_study_s_run_is_that_of_its_winner_after_an_extension_too(
    tiny_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    logged: list[Path] = []
    monkeypatch.setattr(mlflow_sync, "log_model", lambda model, *_: logged.append(model))
    monkeypatch.setattr(TargetModel, "load", lambda folder: folder)
    study = study_of(tiny_data, tmp_path / "store")
    fill(study, [0, 0, 45, 45])
    with using(new_database(tmp_path)):
        first = study.pick()
        assert SearchSync(study).sync()
        assert SearchSync(study).sync()
        longer = study_of(tiny_data, tmp_path / "store", search={"trials": TRIALS + 6})
        fill(longer, [0] * 6)
        second = longer.pick()
        assert SearchSync(longer).sync()
        client = mlflow.MlflowClient()
        (run,) = client.search_runs(
            [client.get_experiment_by_name(study.name).experiment_id], f"tags.`sfcmt.identity` = '{study.identity}'"
        )
    assert first["winner"] != second["winner"]
    assert logged == [study.transfer(selection["transfer"]) for selection in (first, second)]
    assert run.data.tags["sfcmt.winner"] == str(second["winner"])
    assert (run.data.tags["sfcmt.trials"], run.info.status) == (str(TRIALS + 6), "FINISHED")
