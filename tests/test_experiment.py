"""Reading experiments: every mistake is found at once, and told with its path, its value and what is allowed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from sfcmt.config import SourceConfig, TransferConfig
from sfcmt.errors import ConfigError, DataError, Problem
from sfcmt.experiment import load_experiment, parse_experiment, shipped_experiments
from sfcmt.stages.method import METHODS
from sfcmt.stages.methods.robust_tgkt import RobustTGKTConfig
from sfcmt.stages.methods.shot import SHOTConfig


def problems(raw: dict[str, object]) -> dict[str, Problem]:
    with pytest.raises(ConfigError) as caught:
        parse_experiment(raw)
    found = caught.value.problems
    assert str(caught.value) == "\n".join(map(str, found))
    assert len({problem.path for problem in found}) == len(found)
    return {problem.path: problem for problem in found}


def write(folder: Path, text: str) -> str:
    (folder / "mine.yaml").write_text(text)
    return str(folder / "mine.yaml")


def test_an_empty_experiment_is_the_robust_preset_with_its_defaults() -> None:
    experiment = parse_experiment({})
    assert experiment.method == "robust_tgkt"
    assert type(experiment.transfer) is RobustTGKTConfig


def test_the_store_is_the_environment_s_of_now(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SFCMT_STORE", "s3://bucket/lab")
    assert parse_experiment({}).runtime.store == "s3://bucket/lab"


def test_all_problems_are_found_at_once() -> None:
    found = problems(
        {
            "method": "tkgt",
            "seed": -1,
            "data": {"size": 8},
            "source": {"backbone": "resnet5O", "epochs": "many"},
            "bridge": {"translator": "copy", "alpha_d": -0.5},
            "baselines": {"shot": {"beta_in": 1}, "shut": {}},
            "runtime": {"device": "tpu"},
            "colour": "red",
        }
    )
    assert set(found) == {
        *("method", "seed", "data.size", "source.backbone", "source.epochs", "bridge.translator", "bridge.alpha_d"),
        *("baselines.shot.beta_in", "baselines.shut", "runtime.device", "colour"),
    }
    assert found["seed"].value == -1
    assert found["data.size"].allowed == "greater than or equal to 16"
    assert found["source.epochs"].value == "many"
    assert found["runtime.device"].allowed == "'auto', 'cpu', 'cuda' or 'mps'"


def test_an_unknown_field_is_answered_with_the_fields_of_its_section() -> None:
    found = problems({"methud": "tgkt", "transfer": {"pseudo": {"treshold": 0.5}, "beta": 1}, "data": {"path": "x"}})
    assert found["transfer.pseudo.treshold"].allowed == "one of the fields weighting, threshold"
    assert "beta_self" in found["transfer.beta"].allowed
    assert "holdout" in found["data.path"].allowed
    assert "method" in found["methud"].allowed


def test_unknown_names_are_answered_with_the_known_ones() -> None:
    found = problems({"bridge": {"translator": "lite"}, "transfer": {"pseudo": {"weighting": "hard"}}})
    assert found["bridge.translator"] == Problem(
        "bridge.translator", "lite", "light, project, unet, colormap, inverse, normals, auto"
    )
    assert found["transfer.pseudo.weighting"].allowed == "freematch, softmatch, threshold"
    assert problems({"method": "socks"})["method"].allowed.split(", ") == sorted(METHODS)
    assert problems({"method": ["tgkt"]})["method"].value == ["tgkt"]
    assert "resnet50" in problems({"source": {"backbone": "resnet5O"}})["source.backbone"].allowed


def test_fields_of_an_unknown_method_are_not_held_against_another() -> None:
    assert set(problems({"method": "aud", "transfer": {"decay": 1.0}})) == {"method"}


def test_the_small_backbone_has_no_weights_to_start_from() -> None:
    found = problems({"source": {"backbone": "small"}})
    assert found["source.pretrained"].allowed == "false for the backbone small: it has no weights"
    source: Any = parse_experiment({"source": {"backbone": "small", "pretrained": False}}).source
    assert source.backbone == "small"


def test_baselines_must_be_sections() -> None:
    assert set(problems({"baselines": {"shot": 3}})) == {"baselines.shot"}
    assert set(problems({"baselines": [1]})) == {"baselines"}


def test_overrides_reach_every_depth(tmp_path: Path) -> None:
    overrides = ["data=some/folder", "transfer.beta_f=3e-4", "transfer.pseudo.threshold=0", "source.flip=false"]
    experiment = load_experiment(write(tmp_path, "transfer: {beta_f: 2}"), overrides)
    assert experiment.data.folder == "some/folder"
    assert experiment.transfer.beta_f == 3e-4
    assert experiment.transfer.pseudo.threshold == 0
    assert isinstance(experiment.source, SourceConfig)
    assert experiment.source.flip is False


@pytest.mark.parametrize("override", ["transfer.beta_f", "=3", "seed.deeper=1", "seed=[", "transfer.beta_f=x"])
def test_a_bad_override_is_a_config_error_that_shows_it(tmp_path: Path, override: str) -> None:
    with pytest.raises(ConfigError, match=override.split("=", maxsplit=1)[0].split(".", maxsplit=1)[0] or "=3"):
        load_experiment(write(tmp_path, "seed: 1"), [override])


@pytest.mark.parametrize("text", ["a: [", "- 1\n- 2", "just words"])
def test_a_file_that_is_no_mapping_is_a_config_error_that_names_it(tmp_path: Path, text: str) -> None:
    with pytest.raises(ConfigError, match=r"mine\.yaml"):
        load_experiment(write(tmp_path, text))


@pytest.mark.parametrize("content", [b"\0", b"\xff\xfe\xfa"])
def test_a_file_that_is_no_text_is_named(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "mine.yaml").write_bytes(content)
    with pytest.raises(DataError, match=r"mine\.yaml.* UTF-"):
        load_experiment(str(tmp_path / "mine.yaml"))


def test_an_unknown_experiment_is_answered_with_the_shipped_ones() -> None:
    with pytest.raises(ConfigError, match="the path of a YAML file") as caught:
        load_experiment("nowhere")
    assert all(name in str(caught.value) for name in shipped_experiments())


def test_an_experiment_survives_yaml(tmp_path: Path) -> None:
    experiment = parse_experiment({"method": "shot", "transfer": {"beta_im": 0.25}, "baselines": {"aad": {"decay": 0}}})
    text = yaml.safe_dump(experiment.model_dump(mode="json", serialize_as_any=True))
    assert load_experiment(write(tmp_path, text)) == experiment


def test_with_method_keeps_what_is_shared_and_takes_its_own_fields_from_the_baselines() -> None:
    experiment = parse_experiment(
        {
            "seed": 4,
            "source": {"epochs": 3},
            "transfer": {"epochs": 7, "ema": 0.9, "beta_f": 5.0, "beta_self": 9.0},
            "baselines": {"shot": {"beta_im": 0.5}},
        }
    )
    shot = experiment.with_method("shot")
    assert shot.transfer == SHOTConfig(epochs=7, ema=0.9, beta_im=0.5)  # beta_self is SHOT's own, not TGKT's
    assert (shot.method, shot.seed, shot.source, shot.baselines) == ("shot", 4, experiment.source, experiment.baselines)
    assert experiment.with_method("bn_adapt").transfer == TransferConfig(epochs=7, ema=0.9)
    assert experiment.with_method(experiment.method) == experiment


def test_a_shared_field_of_a_baseline_wins_over_the_experiment_s() -> None:
    experiment = parse_experiment({"transfer": {"epochs": 7}, "baselines": {"shot": {"epochs": 2}}})
    assert experiment.with_method("shot").transfer.epochs == 2


def test_with_an_unknown_method_is_a_config_error() -> None:
    with pytest.raises(ConfigError, match="source_only"):
        parse_experiment({}).with_method("nothing")
