"""What MLflow is told, read back from a real database."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import mlflow
import pytest
import torch
from mlflow.entities import Run

from sfcmt.data.pixels import Shape
from sfcmt.data.schema import Split
from sfcmt.grounding.gate import ASSOCIATION
from sfcmt.identity import digest
from sfcmt.stages.methods.tgkt import TGKTConfig
from sfcmt.tuning.compare import track
from sfcmt.tuning.comparison import Cell, Comparison
from sfcmt.tuning.mlflow_calls import MlflowCalls, TrackingError
from sfcmt.tuning.models import load_model
from sfcmt.tuning.summary import summarise
from sfcmt.tuning.tracker import Tracker
from sfcmt.validators import POOL_VALIDATORS, VALIDATORS
from tests.data.decoded import decode_all
from tests.database import new_database
from tests.server import free_port, tracking_server
from tests.tuning.conftest import METHODS, SEEDS, using

pytestmark = pytest.mark.slow


def tgkt(comparison: Comparison) -> tuple[Cell, dict[str, float]]:
    """The transfer of seed 0 with its label-free scores."""
    return next((cell, found) for cell, found in comparison.validations() if cell.method == "tgkt")


def log(comparison: Comparison) -> str:
    """Log the transfer of seed 0; the run's id."""
    cell, validators = tgkt(comparison)
    return Tracker("tiny").log_cell(cell, comparison, validators, comparison.scores()[cell.method, cell.seed])


def runs() -> list[Run]:
    """All runs of the experiment."""
    client = mlflow.MlflowClient()
    experiment = client.get_experiment_by_name("tiny")
    assert experiment is not None
    return list(client.search_runs([experiment.experiment_id]))


def pixels_of(comparison: Comparison) -> torch.Tensor:
    """Raw pixels of the target images."""
    return decode_all(comparison.dataset.table(Split.TARGET)["image"], Shape(32)).float()


@pytest.fixture(scope="class")
def logged(trained: Comparison, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder with a database with one run, in use."""
    folder = tmp_path_factory.mktemp("logged")
    with pytest.MonkeyPatch.context() as patch, using(new_database(folder)):
        patch.chdir(folder)
        log(trained)
        yield folder


class TestOneRun:
    """The run is logged once, and read by all tests."""

    @pytest.fixture(autouse=True)
    def _logged(self, trained: Comparison, logged: Path) -> None:
        self.comparison, self.cell = trained, tgkt(trained)[0]
        (self.run,) = runs()

    def test_params_and_tags_say_what_it_is(self) -> None:
        assert self.run.info.status == "FINISHED"
        assert self.run.info.run_name == "tgkt seed 0"
        params = self.run.data.params
        assert (params["method"], params["seed"], params["source.backbone"]) == ("tgkt", "0", "small")
        assert float(params["transfer.beta_f"]) == self.cell.recipe.settings(TGKTConfig).beta_f
        assert params["bridge.epochs"] == "2"
        assert not [name for name in params if name.startswith(("runtime", "data.folder", "description"))]
        tags = self.run.data.tags
        assert tags["sfcmt.method"] == "tgkt"
        assert tags["sfcmt.stage"] == self.cell.recipe.identity
        assert Path(tags["sfcmt.artifact"]) == self.cell.artifact.path

    def test_metrics_are_validators_and_oracles_apart(self) -> None:
        metrics = self.run.data.metrics
        validators = {name.removeprefix("validator/") for name in metrics if name.startswith("validator/")}
        assert validators == {*VALIDATORS, *POOL_VALIDATORS, ASSOCIATION}
        score = self.comparison.scores()["tgkt", 0]
        oracles = {name: value for name, value in metrics.items() if name.startswith("oracle/")}
        assert oracles == {"oracle/accuracy": score.accuracy, "oracle/balanced_accuracy": score.balanced_accuracy}
        assert 0 < metrics["source/source_accuracy"] <= 1
        assert {f"{kind}/seconds" for kind in ("source", "bridge", "transfer")} <= set(metrics)

    def test_steps_of_curves_are_epochs(self) -> None:
        client = mlflow.MlflowClient()
        bridge = self.cell.recipe.needed("bridge")
        artifact = self.comparison.store.find(bridge)
        assert artifact is not None
        history = client.get_metric_history(self.run.info.run_id, "bridge/reconstruction")
        assert [(point.step, point.value) for point in history] == [
            (row["epoch"], row["reconstruction"]) for row in artifact.curves
        ]
        assert [point.step for point in history] == [1, 2]

    def test_datasets_have_their_digests(self) -> None:
        entries = self.comparison.dataset.manifest.files
        inputs = {one.dataset.name: one for one in self.run.inputs.dataset_inputs}
        assert set(inputs) == {"tiny-source", "tiny-pairs", "tiny-target"}
        for split, entry in entries.items():
            found = inputs[f"tiny-{split}"]
            assert entry.sha256.startswith(found.dataset.digest)
            assert len(found.dataset.digest) >= 16
            assert f"{split}.parquet" in found.dataset.source
            assert {tag.value for tag in found.tags} == {split}

    def test_figures_are_pngs(self) -> None:
        client = mlflow.MlflowClient()
        found = {file.path for file in client.list_artifacts(self.run.info.run_id, "figures")}
        assert found == {f"figures/{name}.png" for name in ("translations", "oracle_confusion", "oracle_tsne", "tsne")}
        for path in found:
            file = mlflow.artifacts.download_artifacts(run_id=self.run.info.run_id, artifact_path=path)
            assert Path(file).read_bytes().startswith(b"\x89PNG")

    def test_the_model_loads_without_pickle_and_predicts_what_was_saved(self) -> None:
        assert os.environ["MLFLOW_ALLOW_PICKLE_DESERIALIZATION"] == "false"
        model = mlflow.pytorch.load_model(f"runs:/{self.run.info.run_id}/model")
        x_N1HW, expected = pixels_of(self.comparison), self.cell.outputs.target_logits
        with torch.no_grad():
            for rows in (slice(0, 1), slice(3, 8), slice(0, 60)):  # the batch is free
                torch.testing.assert_close(model(x_N1HW[rows]), expected[rows], rtol=1e-4, atol=1e-4)

    def test_the_model_and_the_folder_are_the_same_to_predict_with(self) -> None:
        logged, spec = load_model(f"runs:/{self.run.info.run_id}/model")
        ours, own_spec = load_model(str(self.cell.artifact.path))
        assert spec == own_spec
        x_N1HW = pixels_of(self.comparison)[:5]
        torch.testing.assert_close(logged(x_N1HW), ours(x_N1HW), rtol=1e-4, atol=1e-4)

    def test_nothing_logged_is_a_pickle(self, logged: Path) -> None:
        files = [path.name for path in (logged / "mlruns").rglob("*") if path.is_file()]
        assert "model.pt2" in files
        assert not [name for name in files if name.endswith((".pkl", ".pth", ".pickle"))]

    def test_logging_again_changes_nothing(self) -> None:
        before = self.run.to_dictionary()
        assert log(self.comparison) == self.run.info.run_id
        assert [run.to_dictionary() for run in runs()] == [before]


def test_an_unfinished_run_does_not_count(trained: Comparison, database: str) -> None:
    first = log(trained)
    mlflow.MlflowClient().update_run(first, status="RUNNING")
    second = log(trained)
    assert second != first
    assert log(trained) == second
    assert {run.info.run_id: run.info.status for run in runs()} == {first: "RUNNING", second: "FINISHED"}


def test_a_run_that_breaks_off_is_not_finished(trained: Comparison, database: str) -> None:
    cell, validators = tgkt(trained)
    damaged = validators | {"no/such:metric?*": 1.0}
    with pytest.raises(TrackingError), MlflowCalls():
        Tracker("tiny").log_cell(cell, trained, damaged, None)
    assert [run.info.status for run in runs()] == ["FAILED"]


def test_a_comparison_is_a_parent_with_a_child_each(trained: Comparison, database: str) -> None:
    summary = summarise("tiny", trained)
    tracking = track("tiny", trained, summary, is_comparison=True)
    by_id = {run.info.run_id: run for run in runs()}
    assert list(tracking) == ["uri", "comparison", *(f"{name} seed {seed}" for seed in SEEDS for name in METHODS)]
    assert tracking.pop("uri") == database
    assert set(tracking.values()) == set(by_id)
    parent = by_id[tracking.pop("comparison")]
    assert {by_id[child].data.tags["mlflow.parentRunId"] for child in tracking.values()} == {parent.info.run_id}
    accuracy = [trained.scores()["tgkt", seed].accuracy for seed in SEEDS]
    assert parent.data.metrics["oracle/accuracy/tgkt"] == pytest.approx(sum(accuracy) / 2)
    again = track("tiny", trained, summary, is_comparison=True)
    assert set(again.values()) - {database} == set(by_id)
    assert len(runs()) == len(by_id)


def test_an_outage_is_one_line(trained: Comparison, database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    mlflow.set_tracking_uri("http://127.0.0.1:9")
    message = r"^MLflow at http://127\.0\.0\.1:9: .*the same command logs it later$"
    with pytest.raises(TrackingError, match=message), MlflowCalls():
        Tracker("tiny")


@pytest.fixture
def server(tmp_path: Path, database: str) -> Iterator[str]:
    """The address of a tracking server of this test's own."""
    with tracking_server(tmp_path, database, free_port()) as address:
        yield address


def test_a_server_is_told_the_same(trained: Comparison, server: str) -> None:
    mlflow.set_tracking_uri(server)
    run_id = log(trained)
    assert log(trained) == run_id
    model, _ = load_model(f"runs:/{run_id}/model")
    expected = tgkt(trained)[0].outputs.target_logits[:3]
    torch.testing.assert_close(model(pixels_of(trained)[:3]), expected, rtol=1e-4, atol=1e-4)
    (run,) = runs()
    assert run.data.tags["sfcmt.identity"] == digest(
        [tgkt(trained)[0].recipe.identity, trained.dataset.manifest.model_dump(mode="json"), None]
    )
