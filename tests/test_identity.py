"""Identities change with all that can change a result, and with nothing else."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from types import NoneType
from typing import Any

import pytest
from pydantic import BaseModel, ValidationError

from sfcmt.config import Runtime, TransferConfig
from sfcmt.experiment import Experiment
from sfcmt.identity import NOT_IDENTITY, digest, result_fields
from sfcmt.stages.method import METHODS
from tests.tiny import STAGES, stage_of, tiny_experiment, write_tiny

NAMES = {
    "backbone": "tf_efficientnet_lite0",
    "translator": "unet",
    "weighting": "freematch",
    "start": "bn_adapt",
    "teachers": ("copy", "start"),
    "pool": ("0" * 20,),
}
CHANGES = [True, False, 7, 24, 0.37, "auto", "sgd", "constant", "bfloat16", "augmented", "elsewhere"]


def fields_of(model: type[BaseModel], path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Paths of all result-bearing plain fields, through nested sections."""
    for name, field in model.model_fields.items():
        if NOT_IDENTITY in field.metadata:
            continue
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            yield from fields_of(field.annotation, (*path, name))
        else:
            yield (*path, name)


def changed(config: BaseModel, path: tuple[str, ...]) -> BaseModel:
    """The same config with another allowed value in one field."""
    name, *deeper = path
    old = getattr(config, name)
    if deeper:
        return config.model_copy(update={name: changed(old, tuple(deeper))})
    for value in [NAMES.get(name, old), *CHANGES]:
        try:
            new = type(config).model_validate(config.model_dump() | {name: value})
        except ValidationError:
            continue
        if getattr(new, name) != old and type(getattr(new, name)) in (type(old), str, int, NoneType):
            return new
    raise AssertionError(f"no other value is known for {name}")


def identities(experiment: Experiment[Any]) -> dict[str, str]:
    return {kind: stage_of(kind, experiment).identity for kind in STAGES}


@pytest.fixture(scope="module")
def experiment(tiny_data: Path) -> Experiment[Any]:
    return tiny_experiment(tiny_data, Path("store"), source={"backbone": "resnet50"})


def test_digest_is_that_of_the_sorted_compact_json() -> None:
    # echo -n '{"a":[1.5,null],"b":"x"}' | sha256sum
    assert digest({"b": "x", "a": [1.5, None]}) == digest({"a": [1.5, None], "b": "x"})
    assert digest({}) == "44136fa355b3678a1146"
    assert digest({"a": 1}) != digest({"a": 1.5})


def test_a_value_that_json_lacks_has_no_digest() -> None:
    with pytest.raises(ValueError, match="JSON compliant"):
        digest({"a": float("nan")})


def test_marked_fields_are_left_out_at_every_depth(experiment: Experiment[Any]) -> None:
    fields = result_fields(experiment)
    assert not {"description", "baselines", "runtime"} & fields.keys()
    assert fields["data"].keys() == {"size", "holdout"}
    assert fields["transfer"]["pseudo"] == {"weighting": "threshold", "threshold": 0.5}


SECTIONS = {"data": set[str](), "source": set[str](), "bridge": {"source"}, "transfer": {"source", "bridge"}}


@pytest.mark.parametrize("section", SECTIONS)
def test_every_result_bearing_field_changes_its_stage_and_what_stands_on_it(
    experiment: Experiment[Any], section: str
) -> None:
    before = identities(experiment)
    config = getattr(experiment, section)
    for path in fields_of(type(config)):
        after = identities(experiment.model_copy(update={section: changed(config, path)}))
        same = {kind for kind in STAGES if after[kind] == before[kind]}
        assert same == SECTIONS[section], f"{section}.{'.'.join(path)}"


@pytest.mark.parametrize("method", METHODS)
def test_every_field_of_every_method_that_trains_counts(experiment: Experiment[Any], method: str) -> None:
    other = experiment.with_method(method)
    before = stage_of("transfer", other).identity
    for path in fields_of(METHODS[method].Config):
        after = stage_of("transfer", other.model_copy(update={"transfer": changed(other.transfer, path)})).identity
        assert (after != before) == METHODS[method].trains, path


@pytest.mark.parametrize("method", METHODS)
def test_the_bridge_counts_for_the_methods_that_use_it(experiment: Experiment[Any], method: str) -> None:
    other = experiment.with_method(method)
    bridge = changed(experiment.bridge, ("alpha_d",))
    after = stage_of("transfer", other.model_copy(update={"bridge": bridge})).identity
    assert (after != stage_of("transfer", other).identity) == METHODS[method].needs_bridge(other.transfer)


def test_no_two_methods_share_an_identity(experiment: Experiment[Any]) -> None:
    found = {stage_of("transfer", experiment.with_method(method)).identity for method in METHODS}
    assert len(found) == len(METHODS)


@pytest.mark.parametrize("path", [*fields_of(Runtime)], ids="".join)
def test_no_field_of_the_runtime_counts(experiment: Experiment[Any], path: tuple[str, ...]) -> None:
    other = experiment.model_copy(update={"runtime": changed(experiment.runtime, path)})
    assert identities(other) == identities(experiment)


def test_words_baselines_and_the_folder_do_not_count(experiment: Experiment[Any], tmp_path: Path) -> None:
    shutil.copytree(Path(experiment.data.folder or ""), tmp_path / "moved")
    raw = {"source": {"backbone": "resnet50"}, "description": "other words", "baselines": {"shot": {"beta_im": 2.0}}}
    assert identities(tiny_experiment(tmp_path / "moved", Path("store"), **raw)) == identities(experiment)


def test_the_seed_counts(experiment: Experiment[Any]) -> None:
    assert all(stage_of(kind, experiment, 1).identity != identities(experiment)[kind] for kind in STAGES)


@pytest.mark.parametrize(
    ("kind", "same"), [("source", set()), ("bridge", {"source"}), ("transfer", {"source", "bridge"})]
)
def test_a_stage_s_version_counts(
    experiment: Experiment[Any], monkeypatch: pytest.MonkeyPatch, kind: str, same: set[str]
) -> None:
    before = identities(experiment)
    monkeypatch.setattr(STAGES[kind], "version", STAGES[kind].version + 1)
    assert {name for name, identity in identities(experiment).items() if identity == before[name]} == same


def test_a_method_s_version_counts(experiment: Experiment[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    before = identities(experiment)
    monkeypatch.setattr(METHODS["tgkt"], "version", METHODS["tgkt"].version + 1)
    after = identities(experiment)
    assert [kind for kind in STAGES if after[kind] != before[kind]] == ["transfer"]


def test_the_data_count_by_what_a_stage_reads(experiment: Experiment[Any], tmp_path: Path) -> None:
    unlabelled = write_tiny(tmp_path / "unlabelled", labelled=False)
    resnet = {"backbone": "resnet50"}
    assert identities(tiny_experiment(unlabelled, Path("store"), source=resnet)) == identities(experiment)
    larger = identities(tiny_experiment(write_tiny(tmp_path / "larger", rows=63), Path("store"), source=resnet))
    assert not set(larger.values()) & set(identities(experiment).values())


def test_transfer_config_is_the_base_of_every_method_s() -> None:
    assert all(issubclass(method.Config, TransferConfig) for method in METHODS.values())
