"""The command, as a user runs it: real processes, what they print, and how they end."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import pytest
import yaml
from mlflow import MlflowClient
from PIL import Image

from sfcmt.data.dataset import Dataset
from sfcmt.data.schema import Split
from sfcmt.testing.tiny import tiny_experiment
from tests import command
from tests.command import Command
from tests.data.trees import paired_tree, save
from tests.database import new_database

pytestmark = pytest.mark.slow
JOBS = ("compare", "--methods", "tgkt", "--seeds", "2", "--jobs", "2")
COLD = [sys.executable, "-m", "sfcmt"]


@dataclass(frozen=True)
class Desk:
    """A user's working directory, with an experiment in `mine.yaml` and a tracking database."""

    folder: Path
    uri: str

    @property
    def environment(self) -> dict[str, str]:
        """The variables of its commands."""
        plain = {key: value for key, value in os.environ.items() if not key.startswith("MLFLOW")}
        return plain | {"MLFLOW_TRACKING_URI": self.uri, "COLUMNS": "80"}

    def start(self, *arguments: str, start_new_session: bool = False) -> Command:
        """Start `sfcmt`."""
        return Command(
            *("-m", "sfcmt", *arguments),
            cwd=self.folder,
            env=self.environment,
            start_new_session=start_new_session,
        )

    def run(self, *arguments: str) -> CompletedProcess[str]:
        """Run `sfcmt` to its end."""
        return command.run("-m", "sfcmt", *arguments, cwd=self.folder, env=self.environment)

    def run_cold(self, *arguments: str) -> CompletedProcess[str]:
        """Run `sfcmt` to its end in a Python that it starts."""
        call = [*COLD, *arguments]
        return subprocess.run(call, cwd=self.folder, env=self.environment, capture_output=True, text=True, check=False)

    def ok(self, *arguments: str) -> str:
        """What a command prints that succeeds, without a word of others'."""
        return printed(self.run(*arguments))

    def refused(self, *arguments: str) -> list[str]:
        """The lines on standard error of a command that a user got wrong."""
        done = self.run(*arguments)
        assert (done.returncode, done.stdout) == (2, ""), done.stderr
        assert "Traceback" not in done.stderr
        return done.stderr.splitlines()

    def run_ids(self, experiment: str) -> list[str]:
        """The runs that MLflow knows."""
        client = MlflowClient(self.uri)
        found = client.get_experiment_by_name(experiment)
        return [] if found is None else [run.info.run_id for run in client.search_runs([found.experiment_id])]


def printed(done: CompletedProcess[str]) -> str:
    """What a command has printed that has succeeded, without a word of others'."""
    assert done.returncode == 0, done.stderr
    assert not [word for word in ("Warning", "INFO", "WARNING", "Traceback") if word in done.stdout + done.stderr]
    return done.stdout


def make_desk(folder: Path, data: Path) -> Desk:
    raw = tiny_experiment(data, folder / "store").model_dump(mode="json")
    (folder / "mine.yaml").write_text(yaml.safe_dump(raw))
    return Desk(folder, new_database(folder))


@pytest.fixture
def desk(tmp_path: Path, tiny_data: Path) -> Desk:
    """A desk of this test's own."""
    return make_desk(tmp_path, tiny_data)


@pytest.fixture(scope="module")
def used(tmp_path_factory: pytest.TempPathFactory, tiny_data: Path) -> tuple[Desk, dict[str, Any]]:
    """A desk where `sfcmt run mine.yaml --json` has been run, and the object of its last line."""
    desk = make_desk(tmp_path_factory.mktemp("desk"), tiny_data)
    return desk, json.loads(printed(desk.run_cold("run", "mine.yaml", "--json")).splitlines()[-1])


def save_targets(data: Path, folder: Path, count: int = 3) -> list[str]:
    """Target images of a data set as files."""
    files = [folder / f"target-{place}.png" for place in range(count)]
    for file, image in zip(files, Dataset(data).table(Split.TARGET)["image"].to_pylist(), strict=False):
        file.write_bytes(image)
    return [str(file) for file in files]


def words(lines: Sequence[str]) -> str:
    """Text whose lines may have been wrapped."""
    return " ".join(" ".join(lines).split())


def test_the_installed_command_is_the_module() -> None:
    script = str(Path(sys.executable).parent / "sfcmt")
    commands: list[list[str]] = [[script], COLD]
    helps = [subprocess.run([*one, "--help"], capture_output=True, check=True, text=True).stdout for one in commands]
    assert helps[0].split() == helps[1].replace("python -m sfcmt", "sfcmt").split()


def test_list_shows_every_kind_of_part_and_eats_no_brackets(desk: Desk) -> None:
    text = words(desk.ok("list").splitlines())
    for name in ("demo", "tgkt", "socket", "infomax", "ensv", "tf_efficientnet_lite0", "unet", "sunrgbd"):
        assert f" {name} " in text
    assert "sfcmt[lite0]" in text


def test_validate_says_yes_or_prints_the_whole_config(desk: Desk) -> None:
    assert desk.ok("validate", "mine.yaml") == "mine.yaml: valid\n"
    assert json.loads(desk.ok("validate", "demo", "--json"))["method"] == "robust_tgkt"


def test_validate_knows_searches_and_ablations(desk: Desk) -> None:
    (desk.folder / "search.yaml").write_text("experiment: demo\nsearch: {trials: 3}\n")
    (desk.folder / "terms.yaml").write_text(
        "experiment: demo\ndesign: leave_one_out\nfactors: {kl: {transfer.beta_k: 0}}\n"
    )
    assert json.loads(desk.ok("validate", "search.yaml", "data=mine", "--json"))["search"]["trials"] == 3
    (line,) = desk.refused("validate", "terms.yaml")
    assert line.startswith("error: factors.kl")


def test_validate_lists_all_mistakes_at_once(desk: Desk) -> None:
    wrong = {"method": "tgtk", "data": {"size": 5, "sise": 3}, "source": {"lr": -1}}
    (desk.folder / "wrong.yaml").write_text(yaml.safe_dump(wrong))
    lines = desk.refused("validate", "wrong.yaml")
    assert all(line.startswith("error: ") for line in lines)
    assert [line.split(": ")[1] for line in lines] == ["method", "data.size", "data.sise", "source.lr"]
    assert "allowed: aad, bn_adapt," in lines[0]


def test_an_unknown_experiment_is_answered_with_the_known_ones(desk: Desk) -> None:
    (line,) = desk.refused("run", "nothing.yaml")
    assert "'nothing.yaml'" in line
    assert "demo" in line


@pytest.mark.parametrize("verb", ["run", "compare"])
def test_missing_data_is_told_by_one_line_and_leaves_nothing(desk: Desk, verb: str) -> None:
    (line,) = desk.refused(verb, "mine.yaml", "data=nowhere")
    assert line.startswith("error: nowhere")
    assert "no data set here" in line
    assert not (desk.folder / "store").exists()


def test_compare_refuses_unknown_methods_and_trains_nothing(desk: Desk) -> None:
    lines = desk.refused("compare", "mine.yaml", "--methods", "shot,shoot,tgkd")
    assert ["'shoot'" in line or "'tgkd'" in line for line in lines] == [True, True]
    assert all("allowed: aad, bn_adapt" in line for line in lines)
    assert not (desk.folder / "store").exists()


def test_a_data_set_is_imported_and_looked_at(desk: Desk) -> None:
    save(paired_tree(desk.folder) / "source" / "cat" / "notes.txt", b"x")
    assert "would be skipped: .txt" in desk.refused("data", "import", "plain", "imported", "--strict")[0]
    assert desk.ok("data", "import", "plain", "imported").splitlines() == [
        "class  source, to train on  source, held out",
        "cat    5                    1               ",
        "dog    5                    1               ",
        "skipped 1: .txt: no format of images that is read here: source/cat/notes.txt",
        "imported: 12 source, 3 pairs, 12 target; sealed: 27 origins, 12 target_labels",
    ]
    text = words(desk.ok("data", "inspect", "imported", "--sheet", "sheet.png").splitlines())
    assert "rows 12 source, 3 pairs, 12 target source classes cat 6, dog 6" in text
    assert "target depth, 1 x 16 bits, mean" in text
    assert text.endswith("contact sheet: sheet.png")
    with Image.open(desk.folder / "sheet.png") as image:
        assert image.format == "PNG"
    (line,) = desk.refused("data", "import", "plain", "imported")
    assert "imported: exists already" in line
    (line,) = desk.refused("data", "inspect", "plain")
    assert "no data set here" in line


def test_run_ends_with_an_object_and_the_second_run_with_nothing_new(used: tuple[Desk, dict[str, Any]]) -> None:
    desk, first = used
    assert (first["trained"], first["found"]) == (5, 0)
    assert [row["method"] for row in first["rows"]] == ["source_only", "tgkt"]
    assert first["tracking"]["uri"] == desk.uri
    ids = desk.run_ids("mine")
    assert ids == [first["tracking"]["tgkt seed 0"]]
    lines = desk.ok("run", "mine.yaml", "--json").splitlines()
    second = json.loads(lines[-1])
    assert (second["trained"], second["found"]) == (0, 3)
    assert any("Trained nothing: all 3 stages were found" in line for line in lines)
    assert second["rows"] == first["rows"]
    assert second["tracking"] == first["tracking"]
    assert desk.run_ids("mine") == ids


def test_predict_agrees_between_folder_and_run(used: tuple[Desk, dict[str, Any]], tiny_data: Path) -> None:
    desk, summary = used
    run_id = summary["tracking"]["tgkt seed 0"]
    folder = f"store/stages/transfer-{summary['rows'][1]['identities'][0]}"
    files = save_targets(tiny_data, desk.folder)
    by_folder, by_run = (
        json.loads(desk.ok("predict", model, *files, "--json")) for model in (folder, f"runs:/{run_id}/model")
    )
    assert [one["file"] for one in by_folder] == files
    for one, other in zip(by_folder, by_run, strict=True):
        assert (one["file"], one["label"]) == (other["file"], other["label"])
        assert one["probabilities"] == pytest.approx(other["probabilities"], abs=1e-4)
        assert sum(one["probabilities"].values()) == pytest.approx(1, abs=1e-5)
        assert one["label"] == max(one["probabilities"], key=one["probabilities"].__getitem__)
    (line,) = desk.ok("predict", folder, files[0]).splitlines()
    assert line.startswith(f"{files[0]}: {by_folder[0]['label']} (")


def test_exported_weights_predict_as_the_folder_and_the_run_do(
    used: tuple[Desk, dict[str, Any]], tiny_data: Path
) -> None:
    desk, summary = used
    files = save_targets(tiny_data, desk.folder)
    folder = f"store/stages/transfer-{summary['rows'][1]['identities'][0]}"
    run = f"runs:/{summary['tracking']['tgkt seed 0']}/model"
    expected = json.loads(desk.ok("predict", folder, *files, "--json"))
    for model, file in ((folder, "folder.safetensors"), (run, "run.safetensors")):
        (line,) = desk.ok("export", model, "--format", "safetensors", "--output", file).splitlines()
        assert re.fullmatch(rf"{file}: its probabilities differ from the model's by \S+ at most, for 8 .*", line)
        for one, other in zip(json.loads(desk.ok("predict", file, *files, "--json")), expected, strict=True):
            assert one["probabilities"] == pytest.approx(other["probabilities"], abs=1e-4)
    (line,) = desk.refused("export", folder, "--format", "safetensors", "--output", "run.safetensors")
    assert line == "error: output: 'run.safetensors' is not allowed; allowed: a file that does not exist yet"


def test_the_program_of_a_run_is_exported_without_a_word_of_torch(used: tuple[Desk, dict[str, Any]]) -> None:
    desk, summary = used
    run_id = summary["tracking"]["tgkt seed 0"]
    assert desk.ok("export", f"runs:/{run_id}/model", "--format", "onnx").startswith(f"{run_id}-model.onnx: its prob")


def test_predict_refuses_what_is_no_image_of_the_modality(used: tuple[Desk, dict[str, Any]]) -> None:
    desk, summary = used
    folder = f"store/stages/transfer-{summary['rows'][1]['identities'][0]}"
    Image.new("RGB", (32, 32), "red").save(desk.folder / "colour.png")
    (line,) = desk.refused("predict", folder, "colour.png")
    assert line == "error: colour.png: has 3 channel(s) of 8 bits; the model takes 1 channel(s) of 8 bits (depth)"
    (line,) = desk.refused("predict", folder, "missing.png")
    assert line == "error: missing.png: no such file"
    (line,) = desk.refused("predict", "runs:/0123/model", "colour.png")
    assert line.startswith(f"error: MLflow at {desk.uri}: ")
    assert line.endswith("; needed for runs:/0123/model")


def test_compare_prints_a_table_and_logs_a_tree(desk: Desk) -> None:
    lines = desk.ok("compare", "mine.yaml", "--methods", "source_only,shot", "--seeds", "2", "--jobs", "2").splitlines()
    table = lines[: [line.startswith("Stages:") for line in lines].index(True)]
    assert max(map(len, table)) <= 80
    rows = {line.split()[0]: line.split()[1:] for line in lines if line.startswith(("source_only", "shot"))}
    assert set(rows) == {"source_only", "shot"}
    assert all(len(cells) == 4 and all("±" in cell for cell in cells) for cells in rows.values())
    assert any(line.startswith("Stages: 8 trained, 0 found") for line in lines)
    client = MlflowClient(desk.uri)
    parents = [client.get_run(run_id).data.tags.get("mlflow.parentRunId") for run_id in desk.run_ids("mine")]
    assert len(parents) == 5
    assert len(set(parents)) == 2
    assert parents.count(None) == 1


@pytest.mark.parametrize("verb", [("run",), pytest.param(JOBS, marks=pytest.mark.long)], ids=lambda verb: verb[0])
def test_interrupted_training_ends_at_once_and_goes_on(desk: Desk, verb: tuple[str, ...]) -> None:
    arguments = (verb[0], "mine.yaml", "source.epochs=40", "--verbose", *verb[1:])
    process = desk.start(*arguments, start_new_session=True)
    assert process.stderr is not None
    while " epoch 3/40: " not in (line := process.stderr.readline()):
        assert line, "ended before it was interrupted"
    os.killpg(process.pid, signal.SIGINT)  # a terminal tells the whole group
    rest = process.communicate(timeout=60)[1].splitlines()
    assert process.returncode == 130
    assert rest[-1] == "interrupted; the same command goes on from the last finished epoch"
    assert all(" epoch " in line for line in rest[:-1])
    assert not list((desk.folder / "store").glob("stages/*"))
    done = desk.run(*arguments)
    assert done.returncode == 0, done.stderr
    epochs = [line for line in done.stderr.splitlines() if re.match(r"source .* epoch \d+/40: ", line)]
    seeds = 2 if verb[0] == "compare" else 1
    assert epochs
    assert len(epochs) <= seeds * 40 - 2
    assert not [line for line in epochs if line.startswith("source (seed 0): epoch 1/")]
