"""What a config says of a source model that the user brings, and what is wrong with it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from pydantic import ValidationError

from sfcmt.config import GivenSourceConfig
from sfcmt.errors import ConfigError, ModelError
from sfcmt.experiment import load_experiment, parse_experiment, recorded_experiment
from sfcmt.models.given import GivenSource
from sfcmt.recipes import image_size
from tests.models.sources.networks import timm_network

NAMES = ("cat", "dog", "eel")


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A file of `test_resnet` with five outputs."""
    path = tmp_path_factory.mktemp("weights") / "mine.pth"
    torch.save(timm_network("test_resnet", 5).state_dict(), path)
    return str(path)


def given(weights: str | None = None, **fields: Any) -> GivenSource:
    return GivenSource(GivenSourceConfig(model="timm:test_resnet", weights=weights, **fields))


def problem(source: GivenSource) -> tuple[str, object, str]:
    with pytest.raises(ConfigError) as caught:
        _ = source.classes, source.groups
    found = caught.value.problems[0]
    return found.path, found.value, found.allowed


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("names.txt", "cat\n\n dog \neel\n"),
        ("names.json", json.dumps(NAMES)),
        ("names.yaml", "- cat\n- dog\n- eel\n"),
    ],
)
def test_classes_come_from_a_file(tmp_path: Path, name: str, content: str) -> None:
    (tmp_path / name).write_text(content)
    source = given(classes=str(tmp_path / name))
    assert source.classes == NAMES
    assert source.groups is None
    assert source.pinned.classes == NAMES


def test_groups_of_outputs_by_place_or_by_the_models_own_names(tmp_path: Path) -> None:
    source = given(classes={"seat": [423, "rocking chair, rocker"], "crane": ["crane (134)", "crane (517)"]})
    assert source.classes == ("seat", "crane")
    assert source.groups == ((423, 765), (134, 517))
    assert source.pinned.classes == {"seat": (423, 765), "crane": (134, 517)}
    (tmp_path / "groups.yaml").write_text("seat: [423]\nbed: [564]\n")
    assert given(classes=str(tmp_path / "groups.yaml")).groups == ((423,), (564,))


def test_what_is_wrong_with_classes_is_said(tmp_path: Path) -> None:
    assert problem(given(str(tmp_path / "w.pth")))[0] == "source.classes"
    assert "has none" in problem(given(str(tmp_path / "w.pth")))[2]
    assert problem(given(classes=["cat", "dog", "cat"]))[1:] == (["cat"], "two or more names, each once")
    assert problem(given(classes=["cat"]))[1:] == (["cat"], "two or more names, each once")
    assert problem(given(classes={"seat": ["chair"], "bed": [1]}))[:2] == ("source.classes.seat", "chair")
    assert "rocking chair" in problem(given(classes={"seat": ["chair"], "bed": [1]}))[2]
    assert problem(given(classes={"seat": [1, 1], "bed": [2]}))[0] == "source.classes.seat"
    assert "a file of names" in problem(given(classes=str(tmp_path / "missing.txt")))[2]


def test_outputs_and_classes_must_fit(weights: str) -> None:
    with pytest.raises(ModelError, match="timm:test_resnet: has 5 outputs, where 3 classes are given"):
        given(weights, classes=NAMES).classifier(32)
    with pytest.raises(ConfigError, match="outputs 0 to 4 of timm:test_resnet"):
        given(weights, classes={"cat": [0], "dog": [5]}).classifier(32)
    assert given(weights, classes={"cat": [0, 2], "dog": [4]}).classifier(32)[0].outputs == 5


def test_the_input_is_the_models_own_with_what_the_user_says_otherwise() -> None:
    own, changed = given().input, given(input={"order": "bgr", "crop": 1.0, "size": 64}).input
    assert (own.size, own.mean, own.resize.crop) == (160, (0.5, 0.5, 0.5), 0.95)
    assert changed == own.model_copy(
        update={"order": "bgr", "size": 64, "resize": own.resize.model_copy(update={"crop": 1.0})}
    )


def test_all_that_changes_the_classifier_is_in_its_identity(weights: str) -> None:
    same = given(weights, classes=["a", "b", "c", "d", "e"]).identity
    assert given(weights, classes=["a", "b", "c", "d", "e"]).identity == same
    changes: list[dict[str, Any]] = [
        {"merge": "logmeanexp"},
        {"head": "fc"},
        {"input": {"order": "bgr"}},
        {"classes": {"a": [0], "b": [1]}},
        {"weights_key": "model"},
    ]
    found = [given(weights, **{"classes": ["a", "b", "c", "d", "e"], **one}).identity for one in changes]
    assert all(identity != same for identity in found)


def test_another_file_is_another_identity(weights: str, tmp_path: Path) -> None:
    other, state = tmp_path / "mine.pth", torch.load(weights)
    state["fc.bias"][0] += 1
    torch.save(state, other)
    assert given(str(other), classes=NAMES).identity != given(weights, classes=NAMES).identity


def test_paths_mean_the_same_from_everywhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine").mkdir()
    config = GivenSourceConfig(model="mine", weights="w.pth", classes="c.txt")
    assert (config.model, config.weights, config.classes) == tuple(
        str(tmp_path / name) for name in ("mine", "w.pth", "c.txt")
    )
    assert GivenSourceConfig(model="hf:mine").model == f"hf:{tmp_path / 'mine'}"


def test_a_file_has_either_a_given_model_or_training() -> None:
    with pytest.raises(ConfigError) as caught:
        parse_experiment({"source": {"model": "timm:test_resnet", "epochs": 3}})
    found = caught.value.problems[0]
    assert (found.path, found.value) == ("source.epochs", "epochs")
    assert "weights" in found.allowed


def test_a_given_model_takes_the_place_of_a_presets_training() -> None:
    experiment = load_experiment("nyu-robust", ["source.model=timm:test_resnet", "source.weights=mine.pth"])
    assert isinstance(experiment.source, GivenSourceConfig)
    with pytest.raises(ConfigError, match=r"source\.epochs"):
        load_experiment("demo", ["source.model=timm:test_resnet", "source.epochs=3"])


@pytest.mark.parametrize(("model", "says"), [("zoo:x", "timm:..."), ("timm:resnet5O", "resnet50"), ("gone", "folder")])
def test_an_unknown_model_is_refused_with_what_there_is(model: str, says: str) -> None:
    with pytest.raises((ConfigError, ValidationError)) as caught:
        _ = GivenSource(GivenSourceConfig(model=model)).model
    assert says in str(caught.value)


def test_images_are_as_large_as_the_model_expects() -> None:
    source = {"model": "timm:test_resnet", "classes": list(NAMES)}
    assert image_size(parse_experiment({"source": source})) == 160
    assert image_size(parse_experiment({"source": source, "data": {"size": 48}})) == 48
    assert image_size(parse_experiment({})) == 96


def test_a_pinned_model_is_refused_when_its_file_is_another(weights: str, tmp_path: Path) -> None:
    """And keeps its identity: what was trained from it stays found."""
    mine = tmp_path / "mine.pth"
    mine.write_bytes(Path(weights).read_bytes())
    source = given(str(mine), classes=["a", "b", "c", "d", "e"])
    pinned = GivenSource(source.pinned)
    before = source.identity
    assert pinned.identity == before
    pinned.classifier(32)
    torch.save({name: tensor + 1 for name, tensor in torch.load(weights).items()}, mine)
    assert pinned.identity == before
    assert source.identity != before
    with pytest.raises(ModelError, match="timm:test_resnet: has changed"):
        pinned.classifier(32)


def test_what_was_recorded_is_read_without_the_package_that_brought_its_kind() -> None:
    recorded = {"method": "tgkt", "source": {"model": "zoo:x", "classes": ["a", "b"]}, "transfer": {}}
    source = recorded_experiment(recorded).source
    assert isinstance(source, GivenSourceConfig)
    assert source.model == "zoo:x"
