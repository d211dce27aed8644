"""What a search keeps of its trials, and what `sfcmt gc` finds when they, or their study, are gone."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import mlflow
import pytest
from filelock import FileLock
from optuna.trial import FrozenTrial, TrialState

from sfcmt.artifact import CHECKPOINT, WEIGHTS
from sfcmt.callbacks import Callback
from sfcmt.errors import OutageError
from sfcmt.outputs import LOGITS
from sfcmt.recipe import Recipe
from sfcmt.recipes import transfer_recipe
from sfcmt.store import Store
from sfcmt.tuning.collecting import collect_garbage
from sfcmt.tuning.mlflow_calls import TrackingError
from sfcmt.tuning.search.retention import let_go, recipe_of, retain
from sfcmt.tuning.search.study import Study
from sfcmt.tuning.search.study_folder import SELECTION, write_json
from sfcmt.uses import BY_HAND, trial_user
from tests.server import free_port
from tests.test_garbage import Interruption, break_off, write_files
from tests.tuning.search.test_study import study_of

SPACE = {"transfer.beta_f": {"choice": [1, 2, 3, 4]}, "bridge.alpha_im": {"choice": [0.3]}}
GRID: dict[str, Any] = {"space": SPACE, "search": {"trials": 4, "sampler": "grid"}, "anchors": []}
GRID["objective"] = {"validator": "infomax"}


def run(study: Study, *ends: TrialState) -> list[Recipe]:
    """Train a trial for each end; what is stopped early or paused has left a checkpoint."""
    for end in ends:
        found = study.optuna.next_trial()
        assert found
        recipe, runtime = recipe_of(study, study.trials[found[0]]), study.experiment.runtime
        for one, trainer in (*((one, write_files) for one in recipe.upstream), (recipe, _TRAINERS[end])):
            store = Store(study.store.place, trainer, user=trial_user(study.folder.name, found[0]))
            try:
                store.get_or_train(one, runtime, Callback())
            except Interruption:
                study.optuna.report(found[0], 1, 0.5)
        _END[end](study, found[0], recipe)
    return [recipe_of(study, trial) for trial in study.trials]


def _complete(study: Study, number: int, recipe: Recipe) -> None:
    study.optuna.note(number, "transfer", recipe.identity)
    study.optuna.complete(number, [0.5])


_TRAINERS = {
    TrialState.COMPLETE: write_files,
    TrialState.FAIL: write_files,
    TrialState.PRUNED: break_off,
    TrialState.RUNNING: break_off,
}
_END: dict[TrialState, Any] = {
    TrialState.COMPLETE: _complete,
    TrialState.FAIL: lambda study, number, _: study.optuna.fail(number, "the objective is nan"),
    TrialState.PRUNED: lambda study, number, _: study.optuna.prune(number),
    TrialState.RUNNING: lambda *_: None,
}
COMPLETE, FAIL, PRUNED, RUNNING = TrialState.COMPLETE, TrialState.FAIL, TrialState.PRUNED, TrialState.RUNNING


def left(study: Study, recipe: Recipe) -> set[str]:
    """What there is of a stage: its files but those that say what it is."""
    folders = (study.store.root / place / recipe.folder_name for place in ("stages", "partial"))
    return {path.name for folder in folders if folder.is_dir() for path in folder.iterdir()} - {"artifact.json"}


def first(study: Study) -> FrozenTrial:
    return study.trials[0]


def test_nothing_is_left_of_trials_in_vain_but_paused_ones_go_on(tiny_data: Path, tmp_path: Path) -> None:
    study = study_of(tiny_data, tmp_path, **GRID)
    recipes = run(study, COMPLETE, PRUNED, FAIL, RUNNING)
    whole = {WEIGHTS, LOGITS}
    assert [left(study, recipe) for recipe in recipes] == [whole, {CHECKPOINT}, whole, {CHECKPOINT}]
    for _ in range(2):
        retain(study)
        assert [left(study, recipe) for recipe in recipes] == [whole, set(), {LOGITS}, {CHECKPOINT}]
    assert [left(study, one) for one in recipes[0].upstream] == [whole, whole]


def test_all_is_kept_if_that_is_asked_for(tiny_data: Path, tmp_path: Path) -> None:
    study = study_of(tiny_data, tmp_path, keep="all", **GRID)
    recipes = run(study, COMPLETE, PRUNED, FAIL)
    before = [left(study, recipe) for recipe in recipes]
    retain(study)
    assert [left(study, recipe) for recipe in recipes] == before
    assert collect_garbage(tmp_path).size == 0


def test_what_a_process_still_holds_goes_when_it_has_let_go(tiny_data: Path, tmp_path: Path) -> None:
    study = study_of(tiny_data, tmp_path, **GRID)
    (recipe,) = run(study, PRUNED)
    with FileLock(study.store.root / "locks" / recipe.folder_name):
        assert not let_go(study, first(study))
        assert left(study, recipe) == {CHECKPOINT}
        assert collect_garbage(tmp_path).pieces == []
    assert let_go(study, first(study))
    assert left(study, recipe) == set()


@pytest.mark.parametrize("other", ["a study", "by hand"])
def test_what_somebody_else_uses_stays(tiny_data: Path, tmp_path: Path, other: str) -> None:
    study = study_of(tiny_data, tmp_path, **GRID)
    (recipe,) = run(study, PRUNED)
    if other == "a study":
        run(study_of(tiny_data, tmp_path, "other", **GRID | {"objective": {"validator": "snd"}}), RUNNING)
    else:
        study.store.user = BY_HAND
        study.store.note_use(recipe)
    retain(study)
    assert left(study, recipe) == {CHECKPOINT}
    assert collect_garbage(tmp_path).pieces == []
    if other == "a study":
        shutil.rmtree(next((tmp_path / "studies").glob("other-*")))
        assert {piece.name for piece in collect_garbage(tmp_path).pieces} >= {recipe.folder_name}


def test_of_the_best_alone_the_weights_stay(tiny_data: Path, tmp_path: Path) -> None:
    study = study_of(tiny_data, tmp_path, keep="best", **GRID)
    recipes = run(study, COMPLETE, COMPLETE, COMPLETE, PRUNED)
    retain(study)  # nothing has been picked
    assert [WEIGHTS in left(study, recipe) for recipe in recipes] == [True, True, True, False]
    picked = {"transfer": recipes[1].identity, "earlier": [{"transfer": recipes[2].identity}]}
    write_json(study.folder / SELECTION, picked)
    dry = collect_garbage(tmp_path, dry_run=True)
    assert dry.weights == collect_garbage(tmp_path).weights == {recipes[0].folder_name: dry.size}
    assert [left(study, recipe) - {LOGITS} for recipe in recipes] == [set(), {WEIGHTS}, {WEIGHTS}, set()]
    assert all(LOGITS in left(study, recipe) for recipe in recipes[:3])


@pytest.mark.usefixtures("database")
class TestCollecting:
    def test_a_dry_run_says_what_is_removed_then(self, tiny_data: Path, tmp_path: Path) -> None:
        study = study_of(tiny_data, tmp_path / "store", **GRID)
        recipes = run(study, PRUNED, FAIL)
        files = sorted(tmp_path.glob("store/[sup]*/**/*"))
        dry = collect_garbage(tmp_path / "store", dry_run=True)
        assert files == sorted(tmp_path.glob("store/[sup]*/**/*"))
        names = {f"stages/{one.folder_name}" for one in (recipes[1], *recipes[1].upstream)}
        assert {str(piece) for piece in dry.pieces} == {f"partial/{recipes[0].folder_name}", *names}
        assert {str(piece) for piece in collect_garbage(tmp_path / "store").pieces} == names  # a trial's own went first
        assert collect_garbage(tmp_path / "store").as_json()["bytes"] == 0

    def test_what_a_run_or_a_model_version_names_stays(self, tiny_data: Path, tmp_path: Path) -> None:
        study = study_of(tiny_data, tmp_path / "store", **GRID)
        recipe, other = run(study, COMPLETE, COMPLETE)
        shutil.rmtree(study.folder)
        mlflow.set_experiment("mine")
        with mlflow.start_run(tags={"sfcmt.identity": "a", "sfcmt.transfer": recipe.identity}) as run_:
            client = mlflow.MlflowClient()
        client.create_registered_model("model")
        version = client.create_model_version("model", "file:///a", tags={"sfcmt.stage.bridge": other.identity})
        assert collect_garbage(tmp_path / "store").pieces == []
        client.delete_run(run_.info.run_id)
        assert [piece.name for piece in collect_garbage(tmp_path / "store").pieces] == [recipe.folder_name]
        client.delete_model_version("model", version.version)
        assert {piece.name.partition("-")[0] for piece in collect_garbage(tmp_path / "store").pieces} == {
            "source",
            "bridge",
            "transfer",
        }

    def test_a_study_whose_database_is_gone_keeps_all(self, tiny_data: Path, tmp_path: Path) -> None:
        url = f"postgresql://nobody:secret@127.0.0.1:{free_port()}/none"
        study = study_of(tiny_data, tmp_path / "store", storage=url, **GRID)
        store = Store(tmp_path / "store", write_files, user=trial_user(study.folder.name, 0))
        recipe = transfer_recipe(study.experiment, study.dataset, study.experiment.seed)
        store.get_or_train(recipe, study.experiment.runtime, Callback())
        collected = collect_garbage(tmp_path / "store")
        assert collected.pieces == []
        assert len(collected.left_out) == 1
        assert "secret" not in collected.left_out[0]

    def test_nothing_that_a_run_may_name_goes_while_mlflow_is_gone(
        self, tiny_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        study = study_of(tiny_data, tmp_path / "store", **GRID)
        (recipe,) = run(study, COMPLETE)
        shutil.rmtree(study.folder)
        monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
        mlflow.set_tracking_uri(f"http://127.0.0.1:{free_port()}")
        with pytest.raises(TrackingError) as error:
            collect_garbage(tmp_path / "store")
        assert isinstance(error.value, OutageError)
        assert left(study, recipe) == {WEIGHTS, LOGITS}


def test_a_finished_record_says_nothing_of_what_is_kept(tiny_data: Path, tmp_path: Path) -> None:
    best = study_of(tiny_data, tmp_path, keep="best", **GRID)
    assert best.identity == study_of(tiny_data, tmp_path, **GRID).identity
    assert "keep" not in json.dumps(best.record.made_of)
