"""TGMB trains T and D only, and computes the losses that are asked for."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from sfcmt.errors import ConfigError
from sfcmt.models.target_model import TargetModel
from sfcmt.models.translators import TRANSLATORS
from sfcmt.stages.bridge import BridgeLearner, load_translator
from sfcmt.testing.tiny import context_of, get_or_train, tiny_experiment

OFF = dict.fromkeys(("alpha_rec", "alpha_d", "alpha_im"), 0.0)
ROWS = {
    "alpha_rec": "reconstruction",
    "alpha_d": "domain",
    "alpha_im": "infomax",
    "perceptual": "perceptual",
    "bn_matching": "bn_matching",
}


def learner_of(data: Path, store: Path, tmp_path: Path, **fields: float) -> tuple[BridgeLearner, object]:
    """A learner and a batch of the tiny data."""
    experiment = tiny_experiment(data, store)
    context = context_of(experiment, tmp_path)
    config = experiment.bridge.model_copy(update=OFF | fields)
    torch.manual_seed(0)
    learner = BridgeLearner(TRANSLATORS["light"](1), context.source, config).train()
    return learner, next(iter(context.data.epoch(config, torch.Generator().manual_seed(0))))


def test_the_source_model_stays_as_it_is_and_the_translator_learns(
    tiny_data: Path, tiny_store: Path, tmp_path: Path
) -> None:
    changes = dict.fromkeys(ROWS, 0.5)
    learner, batch = learner_of(tiny_data, tiny_store, tmp_path, **changes)
    learner.progress = 0.5
    before = {name: tensor.clone() for name, tensor in learner.source.state_dict().items()}
    optimiser = torch.optim.SGD([dict(group) for group in learner.parameter_groups()], lr=0.1)
    for _ in range(2):  # at first the zeros of the last convolution keep gradients from the lift
        optimiser.zero_grad()
        sum(learner(batch).values()).backward()
        optimiser.step()
    assert all(torch.equal(tensor, before[name]) for name, tensor in learner.source.state_dict().items())
    assert all(parameter.grad is None for parameter in learner.source.parameters())
    assert learner.discriminator is not None
    trained = [*learner.translator.parameters(), *learner.discriminator.parameters()]
    assert all(parameter.grad is not None and parameter.grad.any() for parameter in trained)


def test_the_stored_source_model_and_the_stage_s_agree(tiny_data: Path, tiny_store: Path) -> None:
    experiment = tiny_experiment(tiny_data, tiny_store)
    before = TargetModel.load(get_or_train("source", experiment).path).state_dict()
    get_or_train("bridge", tiny_experiment(tiny_data, tiny_store, bridge={"perceptual": 1.0, "epochs": 1}))
    after = TargetModel.load(get_or_train("source", experiment).path).state_dict()
    assert all(torch.equal(tensor, after[name]) for name, tensor in before.items())


def test_each_weight_switches_its_own_row_on(tiny_data: Path, tiny_store: Path, tmp_path: Path) -> None:
    for field, row in ROWS.items():
        learner, batch = learner_of(tiny_data, tiny_store, tmp_path, **{field: 0.5})
        assert set(learner(batch)) == {row}


def test_a_bridge_without_any_loss_is_refused(tiny_data: Path, tiny_store: Path) -> None:
    with pytest.raises(ConfigError, match=r"bridge: .* at least one weight above 0"):
        tiny_experiment(tiny_data, tiny_store, bridge=OFF)


def test_losses_at_the_start_are_those_of_a_channel_copy(tiny_data: Path, tiny_store: Path, tmp_path: Path) -> None:
    weights = {"alpha_rec": 0.5, "alpha_im": 2.0, "perceptual": 3.0, "bn_matching": 0.5}
    learner, batch = learner_of(tiny_data, tiny_store, tmp_path, **weights)
    losses = {name: loss.item() for name, loss in learner(batch).items()}
    source = learner.source.double()
    pair, real, target = (x.double() for x in (batch.pair_target, batch.pair_source, batch.target))  # type: ignore[attr-defined]
    with torch.no_grad():
        p = source(target.repeat(1, 3, 1, 1)).logits_BK.softmax(1)
        gap = source(pair.repeat(1, 3, 1, 1)).features_BD - source(real).features_BD
    mean = p.mean(0)
    infomax = -(p * p.log()).sum(1).mean() + (mean * mean.log()).sum()
    copied = (pair.repeat(1, 3, 1, 1) - real).square().mean().item()
    assert losses["reconstruction"] == pytest.approx(0.5 * copied, rel=1e-5)
    assert losses["infomax"] == pytest.approx(2 * infomax.item(), rel=1e-3, abs=1e-6)
    assert losses["perceptual"] == pytest.approx(3 * gap.square().mean().item(), rel=1e-4)
    assert losses["bn_matching"] > 0


def test_the_domain_loss_tells_pairs_from_targets(tiny_data: Path, tiny_store: Path, tmp_path: Path) -> None:
    learner, batch = learner_of(tiny_data, tiny_store, tmp_path, alpha_d=2.0)
    assert learner.discriminator is not None
    learner.discriminator.out.weight.data.zero_()
    learner.discriminator.out.bias.data.fill_(3.0)  # says target of everything
    s = torch.tensor(3.0, dtype=torch.float64).sigmoid()
    expected = -2 * 0.5 * (s.log() + (1 - s).log())
    assert learner(batch)["domain"].item() == pytest.approx(expected.item(), rel=1e-5)


@pytest.mark.parametrize("name", ["light", "unet"])
def test_a_trained_translator_comes_back_from_its_file(tiny_data: Path, tiny_store: Path, name: str) -> None:
    experiment = tiny_experiment(tiny_data, tiny_store, bridge={"translator": name, "epochs": 1})
    artifact = get_or_train("bridge", experiment)
    translator = load_translator(artifact.path)
    x = torch.randn(2, 1, 32, 32)
    assert not translator.training
    assert not any(parameter.requires_grad for parameter in translator.parameters())
    assert not torch.equal(translator(x), x.repeat(1, 3, 1, 1))
    assert set(artifact.curves[0]) == {"epoch", "reconstruction", "domain", "infomax"}


def test_the_translator_s_batch_norm_follows_at_the_configured_pace(
    tiny_data: Path, tiny_store: Path, tmp_path: Path
) -> None:
    learner, batch = learner_of(tiny_data, tiny_store, tmp_path, alpha_rec=1.0, bn_momentum=0.0)
    learner(batch)
    assert not learner.translator.lift[1].running_mean.any()
