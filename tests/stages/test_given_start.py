"""A transfer that goes on from a target model that the user names."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from sfcmt.data.dataset import Dataset
from sfcmt.errors import ConfigError, ModelError
from sfcmt.experiment import parse_experiment
from sfcmt.models.given_start import GivenStart
from sfcmt.models.target_model import TargetModel
from sfcmt.recipes import transfer_recipe
from sfcmt.stages.method import METHODS
from sfcmt.testing.tiny import CLASSES, context_of, get_or_train, recipe_of, tiny_experiment, write_tiny
from tests.stages.test_starts import STAND, assert_close

WITHOUT_BRIDGE: dict[str, Any] = {"teachers": ["start"]}


@pytest.fixture(scope="module")
def model(tiny_data: Path, tiny_store: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A target model of the tiny data's, in a folder of its own."""
    stage = get_or_train("transfer", tiny_experiment(tiny_data, tiny_store, method="bn_adapt", transfer={}))
    folder = tmp_path_factory.mktemp("model") / "mine"
    folder.mkdir()
    for name in ("model.json", "model.safetensors"):
        shutil.copy(stage.path / name, folder / name)
    return folder


def test_it_goes_on_from_the_model(model: Path, tiny_data: Path, tiny_store: Path, tmp_path: Path) -> None:
    changes = {"start": str(model), **WITHOUT_BRIDGE, **STAND}
    experiment = tiny_experiment(tiny_data, tiny_store, transfer=changes)
    found = METHODS["tgkt"]().adapt(context_of(experiment, tmp_path)).classifier.state_dict()
    assert_close(found, TargetModel.load(model).classifier.state_dict())


def test_its_identity_is_the_models_whatever_that_is_called(
    model: Path, tiny_data: Path, tiny_store: Path, tmp_path: Path
) -> None:
    twin = Path(shutil.copytree(model, tmp_path / "twin"))
    places = [str(model), str(twin), GivenStart(str(twin)).pinned]
    recipes = [
        recipe_of("transfer", tiny_experiment(tiny_data, tiny_store, transfer={"start": place, **WITHOUT_BRIDGE}))
        for place in places
    ]
    assert len({recipe.identity for recipe in recipes}) == 1
    assert [stage.name for stage in recipes[0].upstream] == ["source", "start"]
    assert recipes[0].upstream[1].document["digest"] == GivenStart(str(model)).digest
    by_name = tiny_experiment(tiny_data, tiny_store, transfer={"start": "bn_adapt", **WITHOUT_BRIDGE})
    assert recipe_of("transfer", by_name).identity != recipes[0].identity
    TargetModel.load(get_or_train("transfer", by_name).path).save(twin)
    with pytest.raises(ModelError, match=r"transfer.start: .*twin has changed \(digest"):
        recipe_of("transfer", tiny_experiment(tiny_data, tiny_store, transfer={"start": places[2], **WITHOUT_BRIDGE}))


@pytest.mark.parametrize(
    ("start", "allowed"),
    [
        (
            "bn-adapt",
            "source, bn_adapt, shot, ti_distillation, or models:/NAME@ALIAS, runs:/ID/model, a model's folder",
        ),
        ("./nowhere", "a model with model.json and model.safetensors"),
    ],
)
def test_a_start_that_is_no_model_is_named(tiny_data: Path, start: str, allowed: str) -> None:
    with pytest.raises(ConfigError, match=r"transfer\.start") as found:
        recipe_of("transfer", tiny_experiment(tiny_data, "store", transfer={"start": start, **WITHOUT_BRIDGE}))
    assert allowed in found.value.problems[0].allowed


@pytest.mark.parametrize(
    ("changes", "allowed"),
    [
        ({"data": {"size": 48}}, "a model of images of 1 channel(s) of 8 bits, 48 x 48; it takes 1 channel(s) of 8"),
        (
            {"bridge": {"translator": "inverse"}},
            "a model behind bridge.translator inverse; it sees images through copy",
        ),
        (
            {"source": {"backbone": "resnet18"}},
            "a model of the backbone resnet18, as the source model's; its own is small",
        ),
    ],
)
def test_a_model_of_another_kind_is_refused_before_anything_is_read(
    model: Path, tiny_data: Path, changes: dict[str, Any], allowed: str
) -> None:
    experiment = tiny_experiment(tiny_data, "store", transfer={"start": str(model), **WITHOUT_BRIDGE}, **changes)
    with pytest.raises(ConfigError, match=r"transfer\.start") as found:
        recipe_of("transfer", experiment)
    assert [problem.allowed.startswith(allowed) for problem in found.value.problems] == [True]


def test_other_classes_and_a_trained_translator_are_refused(model: Path, tiny_data: Path, tiny_store: Path) -> None:
    start = GivenStart(str(model))
    with pytest.raises(
        ConfigError, match=r"a model of the classes down, across, centre, in this order; its own are acro"
    ):
        start.check(Dataset(tiny_data, classes=(CLASSES[1], CLASSES[0], CLASSES[2])), 32, "copy")
    translated = get_or_train("transfer", tiny_experiment(tiny_data, tiny_store, method="translator_only", transfer={}))
    with pytest.raises(ConfigError, match=r"no source model behind a trained translator \(light\)"):
        GivenStart(str(translated.path)).check(Dataset(tiny_data), 32, "copy")


def test_a_model_of_another_source_model_is_refused(model: Path, tiny_data: Path, tmp_path: Path) -> None:
    changes = {"start": str(model), **WITHOUT_BRIDGE}
    source = {"epochs": 1, "lr": 1e-3}
    experiment = tiny_experiment(tiny_data, tmp_path / "store", transfer=changes, source=source)
    with pytest.raises(ConfigError, match=r"transfer.start: .* comes from the experiment's source model: its head is"):
        get_or_train("transfer", experiment)


def test_it_is_for_the_method_that_names_it_and_adapts_to_new_images(
    model: Path, tiny_data: Path, tiny_store: Path, tmp_path: Path
) -> None:
    raw = tiny_experiment(tiny_data, tiny_store, transfer={"start": str(model), **WITHOUT_BRIDGE})
    other = raw.with_method("shot")
    assert [stage.name for stage in recipe_of("transfer", other).upstream] == ["source"]
    again = parse_experiment(raw.model_dump(mode="json"))
    assert again.transfer.start == str(model)
    new = Dataset(write_tiny(tmp_path / "new", rows=30))
    assert transfer_recipe(again, new, 0).upstream[-1].identity == recipe_of("transfer", raw).upstream[-1].identity
