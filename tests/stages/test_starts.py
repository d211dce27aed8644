"""Transfers that start from another method's target model, or from a pool."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from sfcmt.artifact import Artifact
from sfcmt.errors import StoreError
from sfcmt.models.target_model import TargetModel
from sfcmt.outputs import Outputs
from sfcmt.stages.method import METHODS
from sfcmt.stages.methods.pool_distillation import PoolDistillation
from sfcmt.stages.pool_teacher import pool_teacher
from sfcmt.testing.tiny import context_of, get_or_train, recipe_of, tiny_experiment

STAND = {"lr": 1e-12, "bn_momentum": 0.0, "epochs": 1, "weight_decay": 0.0}
"""A training that changes nothing."""


def assert_close(found: dict[str, torch.Tensor], expected: dict[str, torch.Tensor]) -> None:
    """The same weights and statistics; how many batches a layer has seen is no matter."""
    for name, tensor in expected.items():
        if not name.endswith("num_batches_tracked"):
            torch.testing.assert_close(found[name], tensor, atol=1e-6, rtol=0, msg=name)


@pytest.mark.parametrize("start", ["bn_adapt", "ti_distillation"])
def test_the_start_is_the_other_methods_own_artifact(
    tiny_data: Path, tiny_store: Path, tmp_path: Path, start: str
) -> None:
    experiment = tiny_experiment(tiny_data, tiny_store, transfer={"start": start, **STAND})
    upstream = recipe_of("transfer", experiment).upstream
    other = experiment.with_method(start)
    assert [stage.name for stage in upstream] == ["source", "bridge", start]
    assert upstream[-1].identity == recipe_of("transfer", other).identity
    model = METHODS["tgkt"]().adapt(context_of(experiment, tmp_path)).classifier.state_dict()
    expected = TargetModel.load(get_or_train("transfer", other).path).classifier.state_dict()
    assert_close(model, expected)


def test_nothing_is_bridged_for_a_transfer_that_follows_no_translator(tiny_data: Path, tiny_store: Path) -> None:
    for changes in ({"beta_kl": 0.0}, {"teachers": ["start"]}, {"teachers": ["copy"]}):
        stage = recipe_of("transfer", tiny_experiment(tiny_data, tiny_store, transfer=changes))
        assert [upstream.kind for upstream in stage.upstream] == ["source"], changes


def test_the_robust_preset_starts_from_the_pairs_and_needs_no_translator(tiny_data: Path, tiny_store: Path) -> None:
    stage = recipe_of("transfer", tiny_experiment(tiny_data, tiny_store).with_method("robust_tgkt"))
    assert [upstream.name for upstream in stage.upstream] == ["source", "ti_distillation", "bn_adapt"]


def test_a_pool_teaches_its_mean() -> None:
    rest = torch.ones(2, 2)
    pool = [
        Outputs(torch.tensor(p).log(), rest, rest, rest, rest, rest)
        for p in ([[0.9, 0.1], [0.3, 0.7]], [[0.5, 0.5], [0.1, 0.9]], [[0.1, 0.9], [0.2, 0.8]])
    ]
    rows, device = torch.arange(2), torch.device("cpu")
    taught = pool_teacher(pool, rows, device)(torch.tensor([1, 0, 1]), lambda: rest).logits_BK.softmax(dim=1)
    torch.testing.assert_close(taught, torch.tensor([[0.2, 0.8], [0.5, 0.5], [0.2, 0.8]]))


def test_a_pool_is_distilled_into_its_first_model(tiny_data: Path, tiny_store: Path, tmp_path: Path) -> None:
    shared = tiny_experiment(tiny_data, tiny_store)
    pool = [get_or_train("transfer", shared.with_method(name)) for name in ("bn_adapt", "ti_distillation")]
    identities = [artifact.identity for artifact in pool]
    still = tiny_experiment(tiny_data, tiny_store, method="pool_distillation", transfer={"pool": identities, **STAND})
    start = TargetModel.load(pool[0].path).classifier.state_dict()
    assert_close(PoolDistillation().adapt(context_of(still, tmp_path / "still")).classifier.state_dict(), start)

    moving = {"pool": identities, "epochs": 8, "lr": 2e-3}
    artifact = get_or_train(
        "transfer", tiny_experiment(tiny_data, tiny_store, method="pool_distillation", transfer=moving)
    )
    said = [Outputs.load(one.path).target_logits.softmax(dim=1) for one in pool]
    mean = torch.stack(said).mean(dim=0)
    after = Outputs.load(artifact.path).target_logits.softmax(dim=1)
    assert (after - mean).abs().mean() < (said[0] - mean).abs().mean()


def test_a_pool_s_member_that_sees_other_images_is_no_start(tiny_data: Path, tiny_store: Path, tmp_path: Path) -> None:
    def pool_of(*translators: str) -> list[Artifact]:
        named = [tiny_experiment(tiny_data, tiny_store, bridge={"translator": name}) for name in translators]
        return [get_or_train("transfer", experiment.with_method("bn_adapt")) for experiment in named]

    for place, translators in enumerate([("normals", "light"), ("normals",)]):
        pool = pool_of(*translators)
        transfer = {"pool": [member.identity for member in pool], **STAND}
        still = tiny_experiment(tiny_data, tiny_store, method="pool_distillation", transfer=transfer)
        found = PoolDistillation().adapt(context_of(still, tmp_path / str(place))).classifier.state_dict()
        start = pool[1] if len(pool) > 1 else get_or_train("source", still)
        assert_close(found, TargetModel.load(start.path).classifier.state_dict())


def test_a_missing_member_is_named(tiny_data: Path, tiny_store: Path, tmp_path: Path) -> None:
    experiment = tiny_experiment(tiny_data, tiny_store, method="pool_distillation", transfer={"pool": ["0" * 20]})
    with pytest.raises(StoreError, match=r"^transfer-0{20}: missing in "):
        PoolDistillation().adapt(context_of(experiment, tmp_path))
