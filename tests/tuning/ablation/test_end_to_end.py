"""`sfcmt ablate` as users run it: real processes, real signals."""

from __future__ import annotations

import json
import shutil
import signal
from pathlib import Path

import mlflow
import pyarrow as pa
import pytest

from sfcmt.callbacks import Callback, Callbacks
from sfcmt.data.dataset import Dataset
from sfcmt.evaluation.labels import open_labels
from sfcmt.evaluation.scores import score
from sfcmt.experiment import load_experiment
from sfcmt.outputs import Outputs
from sfcmt.recipe import Recipe
from sfcmt.recipes import transfer_recipe
from sfcmt.reports.report import report
from sfcmt.reports.sources.ablation import read_ablation
from sfcmt.store import Store
from sfcmt.testing.tiny import Recorder
from sfcmt.tuning.ablation.mlflow_sync import AblationSync
from sfcmt.tuning.ablation.results import ORACLE_COLUMNS, REGRET_COLUMN, to_bytes
from sfcmt.tuning.ablation.run import run_ablation
from sfcmt.tuning.mlflow_sync import synced
from sfcmt.validators import POOL_VALIDATORS, VALIDATORS
from tests.patience import PATIENCE
from tests.reading import read_until
from tests.reports.pages import Page
from tests.stages.test_source_free import shuffle_labels
from tests.tuning.ablation.workplace import SEEDS, Workplace
from tests.tuning.conftest import using

pytestmark = pytest.mark.slow

ARMS = {"baseline": [], "no-features": ["transfer.beta_f=0"], "no-self": ["transfer.beta_self=0"]}
ROWS = len(ARMS) * SEEDS


@pytest.fixture(scope="module")
def undisturbed(tiny_data: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Workplace, str]:
    """A study that has ended, and what was printed. Leave it as it is."""
    place = Workplace(tmp_path_factory.mktemp("undisturbed") / "place", tiny_data)
    return place, place.finish()[0]


def finish(place: Workplace) -> Recorder:
    """Run the study to its end in this process; what was heard of its stages."""
    recorder, ablation = Recorder(), place.ablation()
    with using(place.uri), synced(mirror := AblationSync(ablation), Callback()):
        run_ablation(ablation, Callbacks([recorder, mirror]))
    return recorder


def transfer(place: Workplace, arm: str, seed: int) -> Recipe:
    """A transfer as `sfcmt run` would make it."""
    experiment = load_experiment(str(place.folder / "tiny.yaml"), ARMS[arm])
    return transfer_recipe(experiment, Dataset(Path(experiment.data.folder or "")), seed)


def test_rows_are_what_the_stages_say_by_themselves(undisturbed: tuple[Workplace, str]) -> None:
    place, _ = undisturbed
    rows = place.table().to_pylist()
    assert [(row["arm"], row["seed"]) for row in rows] == [(arm, seed) for arm in ARMS for seed in range(SEEDS)]
    store = Store(place.folder / "store")
    for row in rows:
        stage = transfer(place, row["arm"], row["seed"])
        artifact = store.find(stage)
        assert artifact is not None
        outputs = Outputs.load(artifact.path)
        judged = score(outputs.target_logits, open_labels(stage.dataset).labels_N)
        assert (row["transfer"], row["seconds"], row["reused"]) == (stage.identity, artifact.seconds, False)
        assert (row["oracle/accuracy"], row["oracle/balanced_accuracy"]) == (judged.accuracy, judged.balanced_accuracy)
        assert [row[f"validator/{name}"] for name in VALIDATORS] == [one(outputs) for one in VALIDATORS.values()]
    for seed in range(SEEDS):
        mine = [row for row in rows if row["seed"] == seed]
        found = [store.find(transfer(place, row["arm"], seed)) for row in mine]
        pool = [Outputs.load(artifact.path) for artifact in found if artifact]
        for name, validator in POOL_VALIDATORS.items():
            assert [row[f"validator/{name}"] for row in mine] == validator(pool)
    assert len({row["validator/infomax"] for row in rows}) == ROWS  # the arms differ
    assert {row["arm"]: json.loads(row["factors"]) for row in rows} == {
        "baseline": {"features": "own", "self": "own"},
        "no-features": {"features": "changed", "self": "own"},
        "no-self": {"features": "own", "self": "changed"},
    }
    assert [row["arm"] for row in rows if row["is_baseline"]] == ["baseline"] * SEEDS


def test_arms_share_what_stages_they_can_and_the_verdict_is_printed(undisturbed: tuple[Workplace, str]) -> None:
    place, out = undisturbed
    kinds = [path.name.split("-")[0] for path in (place.folder / "store" / "stages").iterdir()]
    assert {kind: kinds.count(kind) for kind in kinds} == {"source": SEEDS, "bridge": SEEDS, "transfer": ROWS}
    told = json.loads(out.splitlines()[-1])
    assert (told["trained"], Path(told["results"]).parent.name) == (len(kinds), told["study"])
    balanced = place.table().column("oracle/balanced_accuracy").to_pylist()
    no_self = next(arm for arm in told["arms"] if arm["arm"] == "no-self")
    difference = (balanced[4] + balanced[5] - balanced[0] - balanced[1]) / 2
    assert no_self["difference"]["mean"] == pytest.approx(difference)
    line = next(line for line in out.splitlines() if line.startswith("no-self"))
    assert line.split()[:2] == ["no-self", str(SEEDS)]
    assert f"{100 * difference:+.1f}".replace("-", "\N{MINUS SIGN}").replace("+", "") in line


def test_mlflow_has_a_run_for_the_study_its_arms_and_their_seeds(undisturbed: tuple[Workplace, str]) -> None:
    place, _ = undisturbed
    runs = place.runs()
    names = {run.info.run_id: run.info.run_name for run in runs}
    parents = {run.info.run_name: names.get(run.data.tags.get("mlflow.parentRunId", "")) for run in runs}
    seeds = {f"{arm} seed {seed}": arm for arm in ARMS for seed in range(SEEDS)}
    assert parents == {"cut": None} | dict.fromkeys(ARMS, "cut") | seeds
    assert len(runs) == len(parents)
    assert {run.info.status for run in runs} == {"FINISHED"}
    by_name = {run.info.run_name: run for run in runs}
    for row in place.table().to_pylist():
        run = by_name[f"{row['arm']} seed {row['seed']}"]
        scores = {name: value for name, value in row.items() if name.startswith(("validator/", "oracle/"))}
        assert {name: run.data.metrics[name] for name in scores} == scores
        assert run.data.params["seed"] == str(row["seed"])
        assert run.data.tags["sfcmt.stage"] == row["transfer"]
    history = mlflow.MlflowClient(place.uri).get_metric_history(
        by_name["no-self seed 1"].info.run_id, "transfer/target_distillation"
    )
    assert [point.step for point in history] == [1, 2]
    assert by_name["no-self"].data.params == {"factor.features": "own", "factor.self": "changed"}
    accuracy = place.table().column("oracle/accuracy").to_pylist()
    assert by_name["no-self"].data.metrics["oracle/accuracy"] == pytest.approx(sum(accuracy[4:]) / SEEDS)


def test_again_trains_nothing_and_changes_nothing(undisturbed: tuple[Workplace, str]) -> None:
    place, _ = undisturbed
    before, runs = place.results(), [run.to_dictionary() for run in place.runs()]
    assert finish(place).ended == [("transfer", True)] * ROWS
    assert place.results() == before
    assert [run.to_dictionary() for run in place.runs()] == runs


@pytest.mark.long
def test_killed_and_paused_it_ends_like_an_undisturbed_one(
    undisturbed: tuple[Workplace, str], tiny_data: Path, tmp_path: Path
) -> None:
    place = Workplace(tmp_path / "place", tiny_data)
    killed = place.start("--jobs", "2")
    read_until(killed.stderr, "bridge", "done")
    killed.kill()
    killed.communicate(timeout=PATIENCE)  # its processes end with it, and let go of the pipes
    paused = place.start("--verbose")
    read_until(paused.stderr, "tgkt", "epoch 1/2: ")
    paused.send_signal(signal.SIGTERM)
    out, error = paused.communicate(timeout=PATIENCE)
    assert paused.returncode == 75, out + error
    assert "the same command goes on" in out
    assert not (place.ablation().folder / "results.arrow").exists()
    recorder = finish(place)
    trained = {kind: recorder.ended.count((kind, False)) for kind in ("source", "bridge", "transfer")}
    assert trained["source"] + trained["bridge"] < 2 * SEEDS  # at least what had been done before the kill was found
    reference, _ = undisturbed
    assert without_seconds(place) == without_seconds(reference)
    assert len(place.runs()) == len(reference.runs())
    assert {run.info.status for run in place.runs()} == {"FINISHED"}


def without_seconds(place: Workplace) -> bytes:
    """`results.arrow` less what depends on the machine."""
    table: pa.Table = place.table()
    return to_bytes(table.drop_columns(["seconds"]))


def test_shuffled_labels_change_what_oracles_say_and_nothing_else(
    undisturbed: tuple[Workplace, str], tiny_data: Path, tmp_path: Path
) -> None:
    reference, _ = undisturbed
    data = Path(shutil.copytree(tiny_data, tmp_path / "data"))
    shuffle_labels(data)
    place = Workplace(tmp_path / "place", data)
    shutil.copytree(reference.folder / "store" / "stages", place.folder / "store" / "stages")
    recorder = Recorder()
    found, expected = run_ablation(place.ablation(), recorder), reference.table()
    assert recorder.ended == [("transfer", True)] * ROWS  # neither the study nor a stage is another
    differing = {name for name in found.column_names if found[name] != expected[name]}
    assert differing == {"reused", *ORACLE_COLUMNS, REGRET_COLUMN}
    assert found["reused"].to_pylist() == [True] * ROWS


def test_without_labels_oracles_are_missing(
    undisturbed: tuple[Workplace, str], tiny_data: Path, tmp_path: Path
) -> None:
    reference, _ = undisturbed
    data = Path(shutil.copytree(tiny_data, tmp_path / "data"))
    shutil.rmtree(data / "sealed")
    place = Workplace(tmp_path / "place", data)
    shutil.copytree(reference.folder / "store" / "stages", place.folder / "store" / "stages")
    found = run_ablation(place.ablation(), Callback())
    assert {found[name].null_count for name in (*ORACLE_COLUMNS, REGRET_COLUMN)} == {ROWS}
    assert found["validator/infomax"] == reference.table()["validator/infomax"]


@pytest.mark.long
def test_an_arm_that_diverges_is_told_with_its_reason_and_not_tried_again(
    undisturbed: tuple[Workplace, str], tiny_data: Path, tmp_path: Path
) -> None:
    reference, _ = undisturbed
    factors = {"caution": {"transfer.lr": 1e18}, "self": {"transfer.beta_self": 0}}
    place = Workplace(tmp_path / "place", tiny_data, factors=factors)
    shutil.copytree(reference.folder / "store" / "stages", place.folder / "store" / "stages")
    assert finish(place).started == ["transfer"] * SEEDS
    rows = place.table().to_pylist()
    lost = [row for row in rows if row["arm"] == "no-caution"]
    assert [row["failure"].partition(" (")[0] for row in lost] == ["tgkt: diverged in epoch 1"] * SEEDS
    assert {value for row in lost for name, value in row.items() if "/" in name or name == "transfer"} == {None}
    expected = {(row["arm"], row["seed"]): row["oracle/accuracy"] for row in reference.table().to_pylist()}
    kept = {(row["arm"], row["seed"]): row["oracle/accuracy"] for row in rows if row["failure"] is None}
    assert kept == {key: expected[key] for key in kept}
    assert len(kept) == 2 * SEEDS
    states = {run.info.run_name: run.info.status for run in place.runs()}
    assert [states[f"no-caution seed {seed}"] for seed in range(SEEDS)] == ["FAILED"] * SEEDS
    assert states["cut"] == "FINISHED"
    results = read_ablation(place.ablation().folder, json.loads((place.ablation().folder / "spec.json").read_text()))
    page = Page(report([results])["report.html"])
    assert page.table("cut-arms")["no-caution"]["n"].text == f"0 of {SEEDS}"
    assert "tgkt: diverged in epoch 1" in page.table("cut-arms")["no-caution"]["n"].tip
    before, count = place.results(), len(place.runs())
    assert finish(place).started == []
    assert (place.results(), len(place.runs())) == (before, count)
