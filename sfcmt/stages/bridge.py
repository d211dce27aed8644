"""Training of the translator T, so that the frozen source model can read target images (TGMB; arXiv 2401.05014, 3.2).

L = alpha_rec L_rec + alpha_d L_D + alpha_im L_IM, with alpha_rec = 1 in the paper; and the switches:
+ perceptual L_P + bn_matching L_BN.
"""

from __future__ import annotations

from pathlib import Path

import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from sfcmt.config import BridgeConfig
from sfcmt.data.batches import UnlabelledBatch, UnlabelledData
from sfcmt.distributed import averaged, is_main
from sfcmt.losses.batchnorm_matching import BatchNormStatistics, batchnorm_matching, running_statistics
from sfcmt.losses.domain_adversarial import domain_adversarial, reversal_strength, reverse_gradient
from sfcmt.losses.feature_matching import feature_matching
from sfcmt.losses.information_maximisation import information_maximisation
from sfcmt.losses.reconstruction import reconstruction
from sfcmt.models.classifier import Classifier, Prediction, frozen, set_batchnorm_momentum
from sfcmt.models.discriminator import Discriminator
from sfcmt.models.normalisation import require_batchnorm
from sfcmt.models.target_model import TargetModel
from sfcmt.models.translators import TRANSLATORS
from sfcmt.stages.fit import fit
from sfcmt.stages.learner import Learner, ParameterGroup
from sfcmt.workspace import Workspace

_WEIGHTS, _NAME = "translator.safetensors", "translator"


def train_bridge(workspace: Workspace) -> dict[str, float]:
    """Train T and save it; its losses are in the curves."""
    recipe = workspace.recipe
    config = recipe.settings(BridgeConfig)
    source = TargetModel.load(workspace.artifact("source").path)
    if config.bn_matching:
        require_batchnorm(source.classifier, "bridge.bn_matching")
    workspace.seed_everything("init")
    channels = recipe.dataset.manifest.target.channels
    translator = TRANSLATORS[config.translator](channels)
    data = UnlabelledData(recipe.dataset, recipe.data, workspace.reader(source.spec.resize), source.normalise)
    fit(BridgeLearner(translator, source.classifier, config), data, config, workspace)
    weights = {name: tensor.contiguous() for name, tensor in translator.state_dict().items()}
    if is_main():
        # one entry: safetensors writes several in random order, and the same training gives the same bytes
        save_file(weights, workspace.folder / _WEIGHTS, {_NAME: f"{config.translator} {channels}"})
    return {}


def load_translator(folder: Path) -> nn.Module:
    """A trained translator, frozen, on the CPU."""
    with safe_open(folder / _WEIGHTS, framework="pt") as file:
        name, _, channels = file.metadata()[_NAME].partition(" ")  # of one channel, where older releases wrote a name
        translator = TRANSLATORS[name](int(channels or 1))
    translator.load_state_dict(load_file(folder / _WEIGHTS))
    return frozen(translator)


class BridgeLearner(Learner[UnlabelledBatch]):
    """T and D under a frozen source model. TI and TR target images go through T together."""

    def __init__(self, translator: nn.Module, source: Classifier, config: BridgeConfig) -> None:
        super().__init__()
        self.translator = translator.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.source = frozen(source).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.discriminator = Discriminator(source.width) if config.alpha_d else None
        set_batchnorm_momentum(translator, config.bn_momentum)
        self._config = config
        self._reads_features = any((config.alpha_d, config.alpha_im, config.perceptual, config.bn_matching))

    def train(self, mode: bool = True) -> BridgeLearner:
        """Training mode for T and D; the source model is never in it."""
        super().train(mode)
        self.source.eval()
        return self

    def parameter_groups(self) -> list[ParameterGroup]:
        """T and D at one rate."""
        discriminator = [] if self.discriminator is None else self.discriminator.parameters()
        return [{"params": [*self.translator.parameters(), *discriminator], "lr": self._config.lr}]

    def networks(self) -> list[nn.Module]:
        """T, and the source model unless its layers are looked into."""
        return [self.translator] if self._config.bn_matching else [self.translator, self.source]

    def forward(self, batch: UnlabelledBatch) -> dict[str, Tensor]:
        """The weighted losses of TGMB; those of weight 0 are not computed."""
        config, own = self._config, len(batch.pair_target)
        translated = self.precision(self.translator, torch.cat([batch.pair_target, batch.target]))
        losses: dict[str, Tensor] = {}
        if config.alpha_rec:
            own_loss = reconstruction(translated[:own], batch.pair_source)  # images are too large to gather
            losses["reconstruction"] = config.alpha_rec * averaged(own_loss, own, len(batch.pair_B))
        if not self._reads_features:
            return losses
        seen: Prediction = self.precision(self.source, translated)
        pair = Prediction(*(tensor[:own] for tensor in seen)).of_all(len(batch.pair_B))
        target = Prediction(*(tensor[own:] for tensor in seen)).of_all(len(batch.target_B))
        if self.discriminator is not None:
            losses["domain"] = config.alpha_d * self._domain_loss(self.discriminator, pair, target)
        if config.alpha_im:
            losses["infomax"] = config.alpha_im * information_maximisation(target.logits_BK)
        if config.perceptual:
            with torch.no_grad():
                real = self.precision(self.source, batch.pair_source).of_all(len(batch.pair_B))
            losses["perceptual"] = config.perceptual * feature_matching(pair.features_BD, real.features_BD)
        if config.bn_matching:
            losses["bn_matching"] = config.bn_matching * self._bn_loss(translated[own:])
        return losses

    def _domain_loss(self, discriminator: nn.Module, pair: Prediction, target: Prediction) -> Tensor:
        features_BD = torch.cat([pair.features_BD, target.features_BD])
        is_target_B = torch.arange(len(features_BD), device=features_BD.device) >= len(pair.features_BD)
        reversed_BD = reverse_gradient(features_BD, reversal_strength(self.progress))
        return domain_adversarial(self.precision(discriminator, reversed_BD), is_target_B.to(features_BD.dtype))

    def _bn_loss(self, translated_B3HW: Tensor) -> Tensor:
        with BatchNormStatistics(self.source) as seen:
            self.precision(self.source, translated_B3HW)
        return batchnorm_matching(seen.batch, running_statistics(self.source))
