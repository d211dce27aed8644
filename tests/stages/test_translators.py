"""Transfers of target images of any channels, and through fixed translators, from end to end."""

from __future__ import annotations

from itertools import product
from pathlib import Path

import pytest
import torch

from sfcmt.callbacks import Callback
from sfcmt.data.dataset import Dataset
from sfcmt.data.pixels import Shape
from sfcmt.data.schema import Split
from sfcmt.errors import ConfigError
from sfcmt.evaluation.oracles import oracle_logits, supervised_recipe
from sfcmt.models.target_model import TargetModel
from sfcmt.models.translators.fixed import FIXED
from sfcmt.outputs import Outputs
from sfcmt.recipes import transfer_recipe
from sfcmt.stages import translator_choice
from sfcmt.stages.bridge import load_translator
from sfcmt.stages.translator_choice import mean_reciprocal_rank
from sfcmt.store import Store
from sfcmt.testing.tiny import contents, context_of, get_or_train, recipe_of, tiny_experiment, write_tiny
from sfcmt.workspace import Workspace
from tests.data.decoded import decode_all


def pixels_of(folder: Path, size: int = 32) -> torch.Tensor:
    """The stored target images of a data set."""
    return decode_all(Dataset(folder).table(Split.TARGET)["image"], Shape(size))


@pytest.mark.parametrize(
    ("channels", "bits", "translator"), [(3, 8, "light"), (5, 16, "project"), (4, 32, "unet"), (1, 32, "project")]
)
def test_any_target_is_bridged_and_transferred(tmp_path: Path, channels: int, bits: int, translator: str) -> None:
    data = write_tiny(tmp_path / "data", rows=30, bits=bits, channels=channels)
    changes = {"bridge": {"translator": translator, "epochs": 1}, "transfer": {"epochs": 1}, "source": {"epochs": 1}}
    experiment = tiny_experiment(data, tmp_path / "store", **changes)
    bridge = load_translator(get_or_train("bridge", experiment).path)
    assert bridge(torch.randn(2, channels, 32, 32)).shape == (2, 3, 32, 32)
    for method in ("tgkt", "translator_only", "source_only"):
        artifact = get_or_train("transfer", experiment.with_method(method))
        model = TargetModel.load(artifact.path)
        assert (model.spec.channels, model.spec.bits, model.spec.colours) == (channels, bits, None)
        assert model.spec.translator == (translator if method == "translator_only" else "copy")
        with torch.no_grad():
            told = model(pixels_of(data))
        torch.testing.assert_close(told, Outputs.load(artifact.path).target_logits, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("translator", FIXED)
@pytest.mark.parametrize("method", ["source_only", "translator_only", "bn_adapt", "tgkt", "robust_tgkt"])
def test_every_method_sees_what_a_fixed_translator_makes(
    tiny_data: Path, tiny_store: Path, method: str, translator: str
) -> None:
    changes = {"bridge": {"translator": translator}, "transfer": {"epochs": 1}}
    experiment = tiny_experiment(tiny_data, tiny_store, **changes).with_method(method)
    recipe, artifact = recipe_of("transfer", experiment), get_or_train("transfer", experiment)
    assert "bridge" not in [upstream.kind for upstream in recipe.upstream]
    assert all(upstream.translator == translator for upstream in recipe.upstream if upstream.kind == "transfer")
    model, x = TargetModel.load(artifact.path), pixels_of(tiny_data)
    source = TargetModel.load(get_or_train("source", experiment).path)
    assert (model.spec.translator, model.spec.colours) == (translator, source.spec.normalisation)
    told = Outputs.load(artifact.path).target_logits
    with torch.no_grad():
        torch.testing.assert_close(model(x), told, atol=1e-4, rtol=1e-4)
        seen = FIXED[translator](model.spec.normalisation, model.spec.holes, source.spec.normalisation)(x)
        plain = source.classifier(seen).logits_BK
    assert torch.allclose(plain, told, atol=1e-4) == (method in ("source_only", "translator_only"))


def test_teachers_see_it_too(tiny_data: Path, tiny_store: Path, tmp_path: Path) -> None:
    context = context_of(tiny_experiment(tiny_data, tiny_store, bridge={"translator": "colormap"}), tmp_path)
    x_B3HW = context.data.target.clean(torch.tensor([0, 3, 5]))
    assert x_B3HW.shape == (3, 3, 32, 32)
    assert not torch.allclose(x_B3HW[:, 0], x_B3HW[:, 1])
    expected = context.source(x_B3HW).logits_BK
    assert torch.equal(context.copied(x_B3HW).logits_BK, expected)
    assert torch.equal(context.bridged(x_B3HW).logits_BK, expected)


def test_a_fixed_translator_is_in_the_identity_and_a_learned_one_only_with_its_bridge(tiny_data: Path) -> None:
    found = {
        (method, name): recipe_of(
            "transfer", tiny_experiment(tiny_data, "store", bridge={"translator": name}).with_method(method)
        )
        for method in ("source_only", "robust_tgkt", "tgkt")
        for name in ("light", "project", "normals", "inverse")
    }
    for method in ("source_only", "robust_tgkt", "tgkt"):
        identities = {name: found[method, name].identity for name in ("light", "project", "normals", "inverse")}
        assert len(set(identities.values())) == (4 if method == "tgkt" else 3)
        assert "translator" not in found[method, "light"].document
        assert found[method, "normals"].document["translator"] == "normals"
        sources = {found[method, name].needed("source").identity for name in identities}
        assert len(sources) == 1


def test_settings_of_a_bridge_that_is_not_trained_are_no_part_of_the_identity(tiny_data: Path) -> None:
    experiments = [
        tiny_experiment(tiny_data, "store", bridge={"translator": "normals", "epochs": epochs}) for epochs in (1, 2)
    ]
    assert len({recipe_of("transfer", experiment).identity for experiment in experiments}) == 1


def test_pairs_are_found_by_the_centred_cosine() -> None:
    key = torch.randn(6, 4, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    assert mean_reciprocal_rank(3 * key + 7, key) == 1
    assert mean_reciprocal_rank(torch.ones(6, 4), key) == pytest.approx(1 / 6)
    swapped = torch.eye(5)[[1, 0, 2, 3, 4]]  # of two of five: first comes the other, then all the rest are as near
    assert mean_reciprocal_rank(swapped, torch.eye(5)) == pytest.approx((3 + 2 / 5) / 5)


def test_auto_is_what_finds_most_pairs_and_makes_what_naming_it_would(tiny_data: Path, tiny_store: Path) -> None:
    experiment = tiny_experiment(tiny_data, tiny_store, bridge={"translator": "auto"}).with_method("bn_adapt")
    recipe = recipe_of("transfer", experiment)
    assert [upstream.name for upstream in recipe.upstream] == ["source", "translator"]
    artifact, store = get_or_train("transfer", experiment), Store(experiment.runtime.store)
    choice = store.get_or_train(recipe.needed("translator"), experiment.runtime, Callback())
    scores = choice.metrics
    assert set(scores) == {"copy", *FIXED}
    assert all(0 < score <= 1 for score in scores.values())
    best = max(scores, key=lambda name: scores[name])
    assert choice.notes[0].startswith(f"translator: {best} (reciprocal ranks: copy 0.")
    spec = TargetModel.load(artifact.path).spec
    assert (spec.translator, spec.colours is None) == (best, best == "copy")
    named = {"translator": "light" if best == "copy" else best}
    other = tiny_experiment(tiny_data, tiny_store, bridge=named).with_method("bn_adapt")
    assert recipe_of("transfer", other).identity != recipe.identity
    assert contents(artifact.path) == contents(get_or_train("transfer", other).path)


@pytest.mark.parametrize("winner", ["copy", "normals"])
def test_the_supervised_oracle_stands_on_the_choice(
    tiny_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, winner: str
) -> None:
    def chosen(workspace: Workspace) -> dict[str, float]:
        return {"copy": 0.5, "normals": 0.4 if winner == "copy" else 0.6}

    monkeypatch.setattr(translator_choice, "choose_translator", chosen)
    logits = []
    for name in ("auto", "light" if winner == "copy" else winner):
        changes = {"bridge": {"translator": name}, "source": {"epochs": 1}}
        experiment = tiny_experiment(tiny_data, tmp_path / "store", **changes)
        recipe = supervised_recipe(experiment, Dataset(tiny_data), 0)
        artifact = Store(experiment.runtime.store).get_or_train(recipe, experiment.runtime, Callback())
        logits.append(oracle_logits(artifact))
    assert torch.equal(*logits)


def test_a_fixed_translator_takes_one_channel(tmp_path: Path) -> None:
    data = write_tiny(tmp_path / "data", rows=6, channels=3)
    for name, make in product(("normals", "auto"), (transfer_recipe, supervised_recipe)):
        experiment = tiny_experiment(data, tmp_path / "store", bridge={"translator": name}).with_method("source_only")
        with pytest.raises(ConfigError) as caught:
            make(experiment, Dataset(data), 0)
        expected = f"bridge.translator: '{name}' is not allowed; allowed: light, project, unet, for target images of 3"
        assert str(caught.value) == f"{expected} channels"


def test_the_supervised_oracle_sees_it_too(tiny_data: Path, tmp_path: Path) -> None:
    logits = {}
    for name in ("light", "inverse"):
        changes = {"bridge": {"translator": name}, "source": {"epochs": 1}}
        experiment = tiny_experiment(tiny_data, tmp_path / "store", **changes)
        recipe = supervised_recipe(experiment, Dataset(tiny_data), 0)
        assert recipe.document.get("translator") == (name if name in FIXED else None)
        artifact = Store(experiment.runtime.store).get_or_train(recipe, experiment.runtime, Callback())
        logits[name] = oracle_logits(artifact)
    assert not torch.allclose(logits["light"], logits["inverse"], atol=0.05)
