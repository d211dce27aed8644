"""Identities change with all that can change a result, and with nothing else."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import NoneType
from typing import Any, cast

import pytest
from pydantic import BaseModel, ValidationError, create_model

from sfcmt import identity, recipes
from sfcmt.config import BridgeConfig, DataConfig, Runtime, Section, SourceConfig, TransferConfig
from sfcmt.experiment import Experiment
from sfcmt.identity import NOT_IDENTITY, digest, frozen_defaults, result_fields
from sfcmt.stages.method import METHODS
from sfcmt.testing.tiny import RECIPES, SIZE, recipe_of, tiny_experiment, write_tiny

NAMES = {
    "backbone": "tf_efficientnet_lite0",
    "translator": "unet",
    "weighting": "freematch",
    "start": "bn_adapt",
    "teachers": ("copy", "start"),
    "pool": ("0" * 20,),
    "compile": "kernels",
    "terms": {"source_statistics": 0.5},
}
CHANGES = [True, False, 7, 24, 0.37, "auto", "sgd", "constant", "bfloat16", "augmented", "elsewhere", "kernels"]


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


def all_on(experiment: Experiment[Any]) -> Experiment[Any]:
    """With every term on, so that every field counts."""
    config = experiment.transfer
    weights = {name: getattr(config, name) or 0.5 for name in type(config).model_fields if name.startswith("beta_")}
    pseudo = {"pseudo": {"weighting": "threshold"}} if "pseudo" in type(config).model_fields else {}
    transfer = type(config).model_validate(config.model_dump() | weights | pseudo)
    return experiment.model_copy(update={"transfer": transfer})


def identities(experiment: Experiment[Any]) -> dict[str, str]:
    return {kind: recipe_of(kind, experiment).identity for kind in RECIPES}


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
    assert fields["data"].keys() == {"size", "holdout", "target_holdout"}
    assert fields["transfer"]["pseudo"] == {"weighting": "threshold", "threshold": 0.5}


SECTIONS = {"data": set[str](), "source": set[str](), "bridge": {"source"}, "transfer": {"source", "bridge"}}


@pytest.mark.parametrize("section", SECTIONS)
def test_every_result_bearing_field_changes_its_stage_and_what_stands_on_it(
    experiment: Experiment[Any], section: str
) -> None:
    experiment = all_on(experiment)
    before = identities(experiment)
    config = getattr(experiment, section)
    for path in fields_of(type(config)):
        after = identities(experiment.model_copy(update={section: changed(config, path)}))
        same = {kind for kind in RECIPES if after[kind] == before[kind]}
        allowed = {"source"} if path == ("target_holdout",) else SECTIONS[section]
        assert same == allowed, f"{section}.{'.'.join(path)}"


@pytest.mark.parametrize("method", METHODS)
def test_every_field_of_every_method_that_trains_counts(
    experiment: Experiment[Any], method: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = all_on(experiment.with_method(method))
    before = recipe_of("transfer", other).identity
    missing = {"source_statistics", "neighbours"} - METHODS[method].weights(other.transfer).keys()
    monkeypatch.setitem(NAMES, "terms", dict.fromkeys(missing, 0.5))
    for path in fields_of(METHODS[method].Config):
        after = recipe_of("transfer", other.model_copy(update={"transfer": changed(other.transfer, path)})).identity
        assert (after != before) == METHODS[method].trains, path


@pytest.mark.parametrize("method", METHODS)
def test_the_bridge_counts_for_the_methods_that_use_it(experiment: Experiment[Any], method: str) -> None:
    other = experiment.with_method(method)
    bridge = changed(experiment.bridge, ("alpha_d",))
    after = recipe_of("transfer", other.model_copy(update={"bridge": bridge})).identity
    assert (after != recipe_of("transfer", other).identity) == METHODS[method].needs_bridge(other.transfer)


def test_no_two_methods_share_an_identity(experiment: Experiment[Any]) -> None:
    found = {recipe_of("transfer", experiment.with_method(method)).identity for method in METHODS}
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
    assert all(recipe_of(kind, experiment, 1).identity != identities(experiment)[kind] for kind in RECIPES)


PARTS = {
    "sfcmt.stages.source": set[str](),
    "sfcmt.data.images": set[str](),
    "sfcmt.data.holdout": set[str](),
    "sfcmt.stages.fit": set[str](),
    "sfcmt.stages.optimiser": set[str](),
    "sfcmt.stages.bridge": {"source"},
    "sfcmt.models.translators.light": {"source"},
    "sfcmt.models.translators.unet": {"source", "bridge", "transfer"},
    "sfcmt.stages.transfer": {"source", "bridge"},
    "sfcmt.stages.methods.tgkt": {"source", "bridge"},
    "sfcmt.stages.terms.pair_features": {"source", "bridge"},
    "sfcmt.stages.terms.infomax": {"source", "bridge", "transfer"},
    "sfcmt.pseudo_labels.weightings.threshold": {"source", "bridge"},
    "sfcmt.pseudo_labels.weightings.softmatch": {"source", "bridge", "transfer"},
}
"""Whose version leaves which recipes of `tgkt` alone."""


@pytest.mark.parametrize("module", PARTS)
def test_versions_count_for_what_uses_the_part(
    experiment: Experiment[Any], monkeypatch: pytest.MonkeyPatch, module: str
) -> None:
    monkeypatch.setattr(identity, "version_of", lambda _: 1)
    before = identities(experiment)
    monkeypatch.setattr(identity, "version_of", lambda name: 2 if name == module else 1)
    assert {kind for kind, found in identities(experiment).items() if found == before[kind]} == PARTS[module]


@pytest.mark.parametrize("method", METHODS)
def test_a_new_field_at_its_frozen_default_leaves_recipes_alone(
    experiment: Experiment[Any], monkeypatch: pytest.MonkeyPatch, method: str
) -> None:
    config = METHODS[method].Config
    wider = create_model("Wider", __base__=config, new_switch=(float, 0.0))
    recipe = recipe_of("transfer", experiment.with_method(method))
    defaults = frozen_defaults()
    row = {**defaults[f"transfer.{method}"], "new_switch": 0}
    monkeypatch.setattr(identity, "frozen_defaults", lambda: {**defaults, f"transfer.{method}": row})
    configs = [wider.model_validate(recipe.config.model_dump() | {"new_switch": value}) for value in (0, 0.5)]
    own, on = (replace(recipe, config=cast("Section", one)) for one in configs)
    assert own.identity == recipe.identity
    assert (on.identity != recipe.identity) == METHODS[method].trains


def test_each_result_bearing_field_has_a_frozen_default() -> None:
    configs: dict[str, type[BaseModel]] = {"data": DataConfig, "source": SourceConfig, "bridge": BridgeConfig}
    configs |= {f"transfer.{name}": method.Config for name, method in METHODS.items() if method.trains}
    missing: list[str] = []
    for preset, config in configs.items():
        for path in fields_of(config):
            row: Any = frozen_defaults()[preset]
            for name in path:
                row = row.get(name, missing) if isinstance(row, dict) else missing
            missing += [f"{preset}.{'.'.join(path)}"] if row is missing else []
    assert not missing, f"add to frozen_defaults.yaml: {', '.join(missing)}"


@pytest.mark.parametrize("method", [name for name in METHODS if METHODS[name].trains])
def test_each_weight_of_a_config_is_that_of_a_term(method: str) -> None:
    config = METHODS[method].Config
    betas = [name for name in config.model_fields if name.startswith("beta_")]
    for beta in betas:
        on = config.model_validate({name: 0.37 if name == beta else 0 for name in betas})
        assert 0.37 in METHODS[method].weights(on).values(), f"{beta}: no term of {method} has that weight"


def test_a_field_counts_only_with_what_uses_it(experiment: Experiment[Any]) -> None:
    def identity_with(**fields: Any) -> str:
        transfer = type(experiment.transfer).model_validate(experiment.transfer.model_dump() | fields)
        return recipe_of("transfer", experiment.model_copy(update={"transfer": transfer})).identity

    assert identity_with(neighbours=7) == identity_with()
    assert identity_with(neighbours=7, beta_neighbours=1) != identity_with(beta_neighbours=1)
    assert identity_with(beta_self=0, pseudo={"weighting": "freematch"}) == identity_with(beta_self=0)
    adaptive = {"weighting": "softmatch"}
    assert identity_with(pseudo=adaptive | {"threshold": 0.9}) == identity_with(pseudo=adaptive)
    assert identity_with(pseudo={"threshold": 0.9}) != identity_with()


def test_the_weights_that_a_source_model_starts_from_count(
    experiment: Experiment[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    source = experiment.source.model_copy(update={"backbone": "tf_efficientnet_lite0", "pretrained": True})
    pretrained = experiment.model_copy(update={"source": source})
    before, own = identities(pretrained), identities(experiment)
    monkeypatch.setattr(recipes, "pretrained_weights", lambda backbone: "others")
    assert not set(identities(pretrained).values()) & set(before.values())
    assert identities(experiment) == own


def test_a_whole_number_is_one_value() -> None:
    assert digest({"a": [1, 2.0]}) == digest({"a": (1.0, 2)})


def test_the_size_of_target_images_leaves_a_source_model_of_its_own_size_alone(experiment: Experiment[Any]) -> None:
    sized = experiment.model_copy(update={"source": experiment.source.model_copy(update={"size": SIZE})})
    assert identities(sized) == identities(experiment)
    larger = sized.model_copy(update={"data": experiment.data.model_copy(update={"size": 2 * SIZE})})
    assert [kind for kind in RECIPES if identities(larger)[kind] == identities(sized)[kind]] == ["source"]


def test_the_data_count_by_what_a_stage_reads(experiment: Experiment[Any], tmp_path: Path) -> None:
    unlabelled = write_tiny(tmp_path / "unlabelled", labelled=False)
    resnet = {"backbone": "resnet50"}
    assert identities(tiny_experiment(unlabelled, Path("store"), source=resnet)) == identities(experiment)
    larger = identities(tiny_experiment(write_tiny(tmp_path / "larger", rows=63), Path("store"), source=resnet))
    assert not set(larger.values()) & set(identities(experiment).values())


def test_transfer_config_is_the_base_of_every_method_s() -> None:
    assert all(issubclass(method.Config, TransferConfig) for method in METHODS.values())
