"""Search specs: every mistake is told before anything is allocated."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema  # type: ignore[import-untyped]
import pytest
import yaml

from sfcmt.errors import ConfigError, Problem
from sfcmt.registry import PluginError
from sfcmt.tuning.search.spec import SearchSpec, load_search
from sfcmt.tuning.search.verbs import schema as print_schema
from sfcmt.validators import POOL_VALIDATORS, VALIDATORS

SHIPPED = sorted((Path(__file__).parents[3] / "tuning" / "searches").glob("*.yaml"))
SPACE = {"transfer.beta_f": {"log": [1, 10]}}


def problems(folder: Path, **raw: Any) -> dict[str, Problem]:
    """What a spec's problems are, by path."""
    path = folder / "mine.yaml"
    path.write_text(yaml.safe_dump({"experiment": "demo", "space": SPACE} | raw, sort_keys=False))
    with pytest.raises(ConfigError) as caught:
        load_search(str(path))
    return {problem.path: problem for problem in caught.value.problems}


def test_all_problems_are_told_at_once(tmp_path: Path) -> None:
    found = problems(
        tmp_path,
        space={
            "transfer.beta_f": {"log": [1, 10]},
            "transfer.beta_kl": {"uniform": [-1, 1]},
            "data.holdout": {"uniform": [0.1, 0.2]},
        },
        objective={"validator": "oracle_accuracy"},
        pick={"validator": "luck"},
        anchors=["source_only", "magic"],
        search={"sampler": "grid"},
        scheduler={"asha": {}, "median": {}},
    )
    assert {path: problem.value for path, problem in found.items()} == {
        "space.transfer.beta_kl": -1.0,
        "space.data.holdout": "data.holdout",
        "objective.validator": "oracle_accuracy",
        "pick.validator": "luck",
        "anchors": "magic",
        "search.sampler": "grid",
        "scheduler": "asha, median",
    }
    assert "ensv" in found["pick.validator"].allowed
    assert "ti_distillation" in found["anchors"].allowed
    assert "transfer.beta_f, transfer.beta_kl, data.holdout" in found["search.sampler"].allowed


def test_all_problems_of_shape_are_told_at_once(tmp_path: Path) -> None:
    found = problems(
        tmp_path,
        space={"transfer.beta_f": {"log": [0, 10]}, "transfer.beta_kl": {"uniformly": [0, 1]}},
        resources={"workers": 0},
        scheduler={"asha": {"patience": 1}},
        search={"sampler": "luck", "trials": 0},
    )
    assert {path: problem.allowed.split(",")[0] for path, problem in found.items()} == {
        "space.transfer.beta_f": "a log range above 0",
        "space.transfer.beta_kl.uniformly": "one of the fields uniform",
        "resources.workers": "a number of workers",
        "scheduler.asha.patience": "one of the fields grace",
        "search.sampler": "'tpe'",
        "search.trials": "greater than or equal to 1",
    }


def test_what_has_the_right_shape_is_checked_beside_what_has_not(tmp_path: Path) -> None:
    found = problems(
        tmp_path,
        space={"transfer.beta_f": {"log": [9, 1]}, "transfer.beta_x": {"log": [1, 9]}},
        objective={"validator": "oracle_accuracy"},
        search={"trials": 0},
    )
    assert set(found) == {"space.transfer.beta_f", "space.transfer.beta_x", "objective.validator", "search.trials"}


def test_the_experiments_problems_come_with_the_specs(tmp_path: Path) -> None:
    found = problems(tmp_path, set=["transfer.lr=-1"], pick={"validator": "luck"})
    assert set(found) == {"transfer.lr", "pick.validator"}


def test_the_experiments_problems_come_with_those_of_the_specs_shape(tmp_path: Path) -> None:
    found = problems(tmp_path, set=["transfer.lr=-1"], trials=3)
    assert set(found) == {"transfer.lr", "trials"}


def test_ranks_are_of_label_free_validators_and_need_anchors(tmp_path: Path) -> None:
    ranks = {"pair_cosine": 2, "luck": 1}
    assert set(problems(tmp_path, objective={"ranks": ranks}, anchors=[])) == {"objective.ranks", "anchors"}
    assert set(problems(tmp_path, objective={"ranks": {"snd": 0}})) == {"objective.ranks.snd"}
    assert set(problems(tmp_path, objective={"ranks": {"snd": 1}, "validator": "bnm"})) == {"objective"}


@pytest.mark.parametrize("name", ["oracle_accuracy", "accuracy", "balanced_accuracy", "ensv"])
def test_an_objective_is_a_label_free_validator_of_one_model(tmp_path: Path, name: str) -> None:
    (found,) = problems(tmp_path, objective={"validator": name}).values()
    assert (found.path, found.value) == ("objective.validator", name)
    assert "anchor_agreement" in found.allowed
    assert "accuracy" not in found.allowed.split(", ")


@pytest.mark.parametrize(
    ("raw", "path"),
    [
        ({"scheduler": {"asha": {}}}, "scheduler"),
        ({"search": {"sampler": "gp"}}, "search.sampler"),
        ({"anchors": []}, "anchors"),
        ({"space": {}}, "space"),
    ],
)
def test_what_does_not_go_together(tmp_path: Path, raw: dict[str, Any], path: str) -> None:
    assert set(problems(tmp_path, objective={"validator": ["anchor_agreement", "snd"]}, **raw)) == {path}


@pytest.mark.parametrize(
    ("raw", "path"),
    [
        ({"objective": {"few_labels": "l.csv", "validator": ["anchor_agreement", "snd"]}}, "objective.validator"),
        ({"objective": {"few_labels": "l.csv", "validator": "snd"}, "anchors": []}, "anchors"),
    ],
)
def test_few_labels_give_one_value_by_one_rank_among_anchors(tmp_path: Path, raw: dict[str, Any], path: str) -> None:
    assert set(problems(tmp_path, **raw)) == {path}


def test_a_grid_has_no_more_trials_than_points(tmp_path: Path) -> None:
    space = {"transfer.beta_f": {"choice": [1, 2, 3]}, "transfer.beta_kl": {"choice": [0, 1]}}
    found = problems(tmp_path, space=space, search={"sampler": "grid", "trials": 7})
    assert found["search.trials"].allowed.startswith("at most 6")


def test_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"none\.yaml' is not allowed; allowed: the path of a YAML file"):
        load_search(str(tmp_path / "none.yaml"))


@pytest.mark.parametrize("method", ["tgkt", "shot", "socket", "ti_distillation"])
def test_a_space_of_the_fields_own_ranges(tmp_path: Path, method: str) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(f"experiment: demo\nset: ['transfer={{}}']\nmethod: {method}\nspace: auto\n")
    assert any(name.startswith("transfer.beta_") for name in load_search(str(path)).space)


def test_the_shipped_searches_are_all_here() -> None:
    assert len(SHIPPED) == 3


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_a_shipped_search_is_valid_and_opens_with_its_command(path: Path, tmp_path: Path) -> None:
    checked = load_search(str(path), (f"data={tmp_path}",))
    assert checked.experiment.data.folder == str(tmp_path)
    text = path.read_text()
    assert text.startswith(f"# sfcmt tune tuning/searches/{path.name}")
    assert "# Measured: " in text
    assert "Time: " in text


class TestSchema:
    @pytest.fixture
    def schema(self, capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
        print_schema()
        found: dict[str, Any] = json.loads(capsys.readouterr().out)
        jsonschema.Draft202012Validator.check_schema(found)
        return found

    def test_has_the_specs_fields(self, schema: dict[str, Any]) -> None:
        assert set(schema["properties"]) == set(SearchSpec.model_fields)
        assert schema["required"] == ["experiment"]

    def test_accepts_what_is_shipped_and_refuses_what_is_wrong(self, schema: dict[str, Any]) -> None:
        for path in SHIPPED:
            jsonschema.validate(yaml.safe_load(path.read_text()), schema)
        jsonschema.validate({"experiment": "demo", "space": "auto"}, schema)
        for wrong in (
            {"space": "some"},
            {"resources": {"workers": 0}},
            {"space": {"transfer.beta_f": {"lot": [1, 2]}}},
        ):
            with pytest.raises(jsonschema.ValidationError):
                jsonschema.validate({"experiment": "demo"} | wrong, schema)


@pytest.mark.parametrize("spec", [{"objective": {"validator": "gone"}}, {"pick": {"validator": "gone"}}])
def test_a_plug_in_whose_module_is_missing_is_told_before_anything_is_trained(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, spec: dict[str, Any]
) -> None:
    for registry in (VALIDATORS, POOL_VALIDATORS):
        monkeypatch.setattr(registry, "_modules", {**registry._modules, "gone": ["nowhere.gone"]})
    path = tmp_path / "spec.yaml"
    path.write_text(yaml.safe_dump({"experiment": "nyu-tgkt", "space": {"transfer.beta_f": {"log": [1, 10]}}} | spec))
    with pytest.raises(PluginError, match=r"nowhere\.gone: no such module"):
        load_search(str(path))
