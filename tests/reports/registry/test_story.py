"""Champions come and go on a real server: told once by the command's verbs, then looked at from all sides."""

from __future__ import annotations

import base64
import getpass
import json
import os
import re
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from datetime import UTC, datetime
from io import StringIO
from pathlib import Path
from typing import Any

import mlflow
import pandas as pd
import pytest
from mlflow.entities.model_registry import ModelVersion

from sfcmt.callbacks import Callback
from sfcmt.cli import main
from sfcmt.data.schema import Split
from sfcmt.evaluation.labels import open_labels
from sfcmt.outputs import Outputs
from sfcmt.reports.registry.candidate import TARGET
from sfcmt.testing.tiny import CLASSES
from sfcmt.tuning.search.distilling import distill_study
from sfcmt.tuning.search.scoring import score_study
from sfcmt.tuning.search.study import Study
from tests.database import new_database
from tests.reports.registry.studies import finished
from tests.server import free_port, tracking_server
from tests.tuning.conftest import using
from tests.tuning.search.test_study import study_of

pytestmark = pytest.mark.slow
SPACE: dict[str, Any] = {"transfer.beta_f": {"choice": [2.0]}}
BAD, GOOD = {"transfer": {"epochs": 5}}, {"transfer": {"epochs": 1, "lr": 1e-5}}
"""Tiny scenes are negatives: five epochs of transfer make a worse model than next to none."""
CHAMPION = ("--model", "net", "--as", "champion")
STEPS = {
    "challenger": ("promote", "bad", "--model", "net"),
    "first": ("promote", "bad", *CHAMPION),
    "refused": ("promote", "same", *CHAMPION),
    "better": ("promote", "good", *CHAMPION),
    "again": ("promote", "good", *CHAMPION),
    "back": ("rollback", "net", "--reason", "too warm"),
    "none before": ("rollback", "net"),
    "forced": ("promote", "same", *CHAMPION, "--force", "--reason", "a new sensor"),
    "last": ("promote", "good", *CHAMPION),
}


@dataclass
class Told:
    """What a command said, and the aliases after it."""

    code: int
    out: str
    errors: list[str]
    aliases: dict[str, str]
    at: datetime


@dataclass
class Story:
    """The studies, and what was told of each step."""

    studies: dict[str, Study]
    steps: dict[str, Told] = field(default_factory=dict)


def tell(*arguments: str) -> Told:
    """Run the command in this process."""
    out, errors = StringIO(), StringIO()
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(out), redirect_stderr(errors):
        patch.setattr(sys, "argv", ["sfcmt", *arguments])
        with pytest.raises(SystemExit) as ended:
            main()
    models = mlflow.MlflowClient().search_registered_models("name = 'net'")
    aliases = {alias: str(version) for alias, version in (models[0].aliases if models else {}).items()}
    lines = [line for line in errors.getvalue().splitlines() if line.startswith("error: ")]
    return Told(int(ended.value.code or 0), out.getvalue(), lines, aliases, datetime.now(UTC))


def balanced(story: Story) -> float:
    """What the labels say of the winner of `good`, which is near what its source model was right on."""
    scores = json.loads((story.studies["good"].folder / "scores.json").read_text())
    found = float(scores["oracle_balanced_accuracy"][str(scores["winner"])])
    assert found > 0.8
    return found


def version(number: str) -> ModelVersion:
    return mlflow.MlflowClient().get_model_version("net", number)


@pytest.fixture(scope="module")
def registered(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder to work in, with a tracking server; nothing may be unpickled."""
    folder = tmp_path_factory.mktemp("registry")
    with tracking_server(folder, new_database(folder), free_port()) as uri, pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setenv("MLFLOW_TRACKING_URI", uri)
        patch.setenv("MLFLOW_ALLOW_PICKLE_DESERIALIZATION", "false")
        patch.setenv("COLUMNS", "300")
        patch.setenv("SFCMT_STORE", str(folder / "store"))
        with using(uri):
            yield folder


@pytest.fixture(scope="module")
def story(registered: Path, tiny_data: Path) -> Story:
    """Every step of the story. Versions: 1 is of the study `bad`, 2 of `same`, which has its model, 3 of `good`."""
    seeded = SPACE | {"seed": {"choice": [0]}}
    studies = {
        "bad": finished(tiny_data, registered / "store", "bad", SPACE, BAD),
        "same": finished(tiny_data, registered / "store", "same", seeded, BAD),
        "good": finished(tiny_data, registered / "store", "good", SPACE, GOOD),
    }
    score_study(studies["good"])
    return Story(studies, {step: tell(*arguments) for step, arguments in STEPS.items()})


@pytest.mark.parametrize(
    ("step", "code", "aliases"),
    [
        ("challenger", 0, {"challenger": "1"}),
        ("first", 0, {"champion": "1"}),
        ("refused", 2, {"champion": "1", "challenger": "2"}),
        ("better", 0, {"champion": "3"}),
        ("again", 0, {"champion": "3"}),
        ("back", 0, {"champion": "1"}),
        ("none before", 2, {"champion": "1"}),
        ("forced", 0, {"champion": "2"}),
        ("last", 0, {"champion": "3"}),
    ],
)
def test_aliases_follow(story: Story, step: str, code: int, aliases: dict[str, str]) -> None:
    assert (story.steps[step].code, story.steps[step].aliases) == (code, aliases), story.steps[step]


def test_what_is_refused_is_told_in_a_line(story: Story) -> None:
    (line,) = story.steps["refused"].errors
    assert line.startswith("error: net: version 2 does not beat champion 1: grounding ")
    assert "difference in [+0.000, +0.000] at 95%, n 60" in line
    assert "(no interval: they differ on 0 frames, which give no p below 1; n 60)" in line
    assert story.steps["none before"].errors == [
        "error: net: has had no champion before this one; see: sfcmt history net"
    ]
    assert "nothing to move" in story.steps["again"].out


def test_a_version_is_made_once(story: Story) -> None:
    versions = mlflow.MlflowClient().search_model_versions("name = 'net'")
    assert sorted(str(one.version) for one in versions) == ["1", "2", "3"]


def test_history_shows_every_move_with_its_evidence(story: Story) -> None:
    lines = tell("history", "net").out.splitlines()
    assert [line.split("  ", 1)[1] for line in lines if " UTC  " in line] == [
        f"{move} by {getpass.getuser()}"
        for move in (
            "challenger none -> 1  promoted",
            "champion none -> 1  promoted",
            "challenger none -> 2  promoted",
            "champion 1 -> 2  refused",
            "challenger 2 -> 3  promoted",
            "champion 1 -> 3  promoted",
            "champion 3 -> 1  rolled back",
            "challenger none -> 2  promoted",
            "champion 1 -> 2  forced",
            "challenger none -> 3  promoted",
            "champion 2 -> 3  promoted",
        )
    ]
    text = "\n".join(lines)
    for words in ("the first champion: nothing to compare with", "too warm", "a new sensor"):
        assert words in text
    assert text.count(f"oracle_balanced_accuracy {100 * balanced(story):.1f} against ") == 2
    assert lines[-1] == "Champion now: 3"


def test_history_knows_who_was_champion_when(story: Story) -> None:
    def champion(step: str) -> str:
        return tell("history", "net", "--on", story.steps[step].at.isoformat()).out

    assert champion("challenger").startswith("net had no champion on ")
    told = {step: champion(step).split(": ")[1].split()[0] for step in ("first", "refused", "better", "back", "forced")}
    assert told == {"first": "1", "refused": "1", "better": "3", "back": "1", "forced": "2"}
    assert tell("history", "net", "--on", "2020-02-29").out == "net had no champion on 2020-02-29 23:59:59 UTC\n"


def test_a_move_by_hand_is_noticed(story: Story) -> None:
    client = mlflow.MlflowClient()
    client.set_registered_model_alias("net", "champion", "1")
    assert tell("history", "net").out.splitlines()[-1] == "Champion now: 1, which was not moved there by sfcmt"
    client.set_registered_model_alias("net", "champion", "3")


def test_a_version_says_where_it_comes_from(story: Story) -> None:
    tags, study = version("3").tags, story.studies["good"]
    selection = study.selection()
    assert tags["sfcmt.study"] == study.folder.name
    assert tags["sfcmt.stage.transfer"] == selection["transfer"]
    assert {tags["sfcmt.stage.source"], tags["sfcmt.stage.bridge"]} == {
        path.name.partition("-")[2]
        for path in study.store.root.glob("stages/*")
        if path.name.startswith(("source-", "bridge-"))
    }
    assert tags["sfcmt.data"] == study.dataset.whole_digest
    assert float(tags["sfcmt.validator.ensv_infomax"]) == pytest.approx(selection["scores"]["0"], rel=1e-5)
    assert tags["sfcmt.origin"] == f"trial 0, by ensv_infomax over {len(selection['scores'])} models"
    assert json.loads(tags["sfcmt.values"]) == {"transfer.beta_f": 2.0}
    run = mlflow.get_run(version("3").run_id)
    assert run.data.tags["sfcmt.identity"] == study.identity
    assert {model.name for model in mlflow.search_logged_models([run.info.experiment_id], output_format="list")} == {
        "model",
        "served",
    }


def test_the_card_names_oracles_only_if_the_study_has_been_scored(story: Story) -> None:
    unscored, scored = version("1").description, version("3").description
    assert "| ensv_infomax | " in unscored
    assert "oracle" not in unscored.lower()
    assert f"| oracle_balanced_accuracy | {balanced(story):.4f} |" in scored
    assert "3 classes: across, down, centre" in scored
    file = mlflow.artifacts.download_artifacts("models:/net/3/artifacts/model/model_card.md")
    assert Path(file).read_text() == scored


def test_a_distilled_model_is_registered_as_well(story: Story) -> None:
    study = story.studies["good"]
    assert tell("promote", "good", "--model", "student", "--distilled").errors == [
        f"error: study good: nothing is distilled from it; run: sfcmt distill {study.folder}"
    ]
    made = distill_study(study, Callback())
    assert tell("promote", "good", "--model", "student", "--distilled").code == 0
    student = mlflow.MlflowClient().get_model_version_by_alias("student", "challenger")
    assert student.tags["sfcmt.origin"] == "distilled from trials 0"
    assert student.tags["sfcmt.method"] == "pool_distillation"
    assert student.tags["sfcmt.stage.transfer"] == made["transfer"]
    assert "oracle" not in student.description.lower()  # the study was scored before
    score_study(study)
    assert tell("promote", "good", "--model", "student", "--distilled").out == (
        "student: nothing to move, it is so already\n"
    )
    card = mlflow.MlflowClient().get_model_version("student", student.version).description
    assert "| oracle_balanced_accuracy | " in card


def test_nothing_registered_is_a_pickle(story: Story) -> None:
    files = {path.name for path in Path(mlflow.artifacts.download_artifacts("models:/net/3")).rglob("*")}
    assert {"served_model.py", "model.safetensors", "model.json", "predictions.safetensors"} <= files
    assert not [name for name in files if name.endswith((".pkl", ".pth", ".pickle"))]


def test_models_of_other_images_are_not_compared(story: Story) -> None:
    client, own = mlflow.MlflowClient(), version("3").tags[TARGET]
    client.set_model_version_tag("net", "3", TARGET, "0" * 64)
    refused = tell("promote", "same", *CHAMPION)
    client.set_model_version_tag("net", "3", TARGET, own)
    assert refused.errors == [
        "error: net: version 2 cannot be compared with champion 3: "
        f"the digest of its target images is {own[:12]}, the champion's 000000000000"
    ]
    assert refused.aliases == {"champion": "3", "challenger": "2"}


def labelled(study: Study, folder: Path, *arguments: str) -> Told:
    """Audit by the table of all labels that are asked for, as an honest labeller fills it in."""
    asked = tell("audit", study.folder.name, *arguments, "--json")
    record = json.loads(asked.out.splitlines()[-1])
    names = [CLASSES[label] for label in open_labels(study.dataset).labels_N.tolist()]
    true = dict(zip(study.dataset.columns(Split.TARGET, "id")["id"].to_pylist(), names, strict=True))
    ids = json.loads((Path(record["folder"]) / "audit.json").read_text())["ids"]
    table = folder / "labels.csv"
    table.write_text("\n".join(["id,label", *(f"{id_},{true[id_]}" for id_ in ids)]))
    return tell("audit", study.folder.name, *arguments, "--csv", str(table))


def test_a_promotion_may_rest_on_an_audit(story: Story, registered: Path) -> None:
    bad, good = story.studies["bad"], story.studies["good"]
    champion = ("--model", "audited", "--as", "champion")
    assert tell("promote", "bad", *champion, "--audit").errors == [
        f"error: study bad: no complete audit of its model; begin one with: sfcmt audit {bad.folder} --serve"
    ]
    assert labelled(bad, registered, "--labels", "20").code == 0
    first = tell("promote", "bad", *champion, "--audit")
    assert "version 1 is champion (promoted" in first.out
    (refused,) = tell("promote", "good", *champion, "--audit").errors
    assert "no complete audit of both models; begin one with: sfcmt audit" in refused
    assert "--against models:/audited/1 --serve" in refused
    against = ("--against", "models:/audited@champion", "--labels", "20")
    assert (
        "Difference in accuracy of good, trial 0 against audited, version 1" in labelled(good, registered, *against).out
    )
    promoted = tell("promote", "good", *champion, "--audit")
    assert "version 2 is champion (promoted; before: 1)" in promoted.out
    assert re.search(
        r"  audited_difference\.\w{20} \+\d+\.\d points, difference in \[\+\d+\.\d, \+\d+\.\d\] at 95%, n 20\n",
        promoted.out,
    )
    lines = tell("history", "audited").out
    assert re.search(r"    audit \w{20}: Accuracy of bad, trial 0, on these 60 images: \d", lines)
    assert "    audited_difference." in lines
    card = mlflow.MlflowClient().get_model_version("audited", "2").description
    assert "| Difference in accuracy of good, trial 0 against audited, version 1, on these 60 images |" in card
    assert "optimistic" in card
    (worse,) = tell("promote", "bad", *champion, "--audit").errors
    assert "audited: version 1 does not beat champion 2: audited_difference." in worse


def test_mistakes_are_told_in_a_line(story: Story, registered: Path, tiny_data: Path) -> None:
    study_of(tiny_data, registered / "store", "partial")
    mistakes = {
        ("promote", "nothing", "--model", "net"): "STUDY: 'nothing' is not allowed; allowed: a study's folder, or",
        ("promote", "partial", "--model", "net"): "study partial has no winner yet; finish it with: sfcmt tune",
        ("promote", "bad", *CHAMPION, "--force"): "--reason: '' is not allowed; allowed: why this is forced",
        ("promote", "bad", "--model", "net", "--force", "--reason", "x"): "--force: True is not allowed; allowed:",
        ("promote", "bad", "--model", "net", "--audit"): "--audit: True is not allowed; allowed: together with --as",
        ("audit", "models:/net@nobody"): "MLflow at http://127.0.0.1:",
        ("audit", "models:/net"): "PLACE: 'models:/net' is not allowed; allowed: models:/NAME@ALIAS or",
        ("promote", "bad", "--model", "a/b"): "MLflow at http://127.0.0.1:",
        ("history", "nothing"): "nothing: no such model at http://127.0.0.1:",
        ("rollback", "nothing"): "MLflow at http://127.0.0.1:",
        ("history", "net", "--on", "soon"): "--on: 'soon' is not allowed; allowed: a date",
    }
    for arguments, message in mistakes.items():
        found = tell(*arguments)
        assert (found.code, len(found.errors)) == (2, 1), arguments
        assert found.errors[0].startswith(f"error: {message}"), found.errors


@contextmanager
def serving(uri: str, log: Path) -> Iterator[str]:
    """Where `mlflow models serve` takes requests; it is ended with the block."""
    port = free_port()
    own = os.environ | {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}  # MLflow starts uvicorn by name
    command = [sys.executable, "-m", "mlflow", "models", "serve", "-m", uri, "--env-manager", "local"]
    with log.open("w") as output:
        process = subprocess.Popen(
            [*command, "--host", "127.0.0.1", "--port", str(port)],
            env=own,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    try:
        for _ in range(240):
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{port}/ping").close()
                break
            except OSError:
                time.sleep(0.5)
        yield f"http://127.0.0.1:{port}/invocations"
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(timeout=30)


def invoke(address: str, images: list[bytes]) -> list[dict[str, Any]]:
    encoded = [[base64.b64encode(image).decode()] for image in images]
    body = json.dumps({"dataframe_split": {"columns": ["encoded_image"], "data": encoded}}).encode()
    request = urllib.request.Request(address, body, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request) as answer:
        found: list[dict[str, Any]] = json.loads(answer.read())["predictions"]
    return found


def test_served_and_predicted_is_what_the_trainer_saved(story: Story, registered: Path) -> None:
    study = story.studies["good"]
    images = study.dataset.table(Split.TARGET)["image"].to_pylist()
    logits = Outputs.load(study.artifact(study.trials[0])).target_logits
    expected = [dict(zip(CLASSES, row, strict=True)) for row in logits.softmax(dim=1).tolist()]
    labels = [CLASSES[number] for number in logits.argmax(dim=1).tolist()]

    by_pyfunc = mlflow.pyfunc.load_model("models:/net@champion").predict(pd.DataFrame({"encoded_image": images}))
    assert list(by_pyfunc["label"]) == labels
    file = registered / "target.png"
    file.write_bytes(images[0])
    (by_command,) = json.loads(tell("predict", "models:/net@champion", str(file), "--json").out)
    assert by_command["probabilities"] == pytest.approx(expected[0], abs=1e-5)
    with serving("models:/net@champion", registered / "serving.log") as address:
        by_server = invoke(address, images)
        with pytest.raises(urllib.error.HTTPError) as refused:
            invoke(address, [images[0], b"no image"])
        assert "row 1: not a readable image" in refused.value.read().decode()
    assert [one["label"] for one in by_server] == labels
    for one, other, truth in zip(by_server, by_pyfunc["probabilities"], expected, strict=True):
        assert one["probabilities"] == pytest.approx(truth, abs=1e-5)
        assert other == pytest.approx(truth, abs=1e-5)
