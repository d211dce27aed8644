"""From an experiment to the recipes of its source model, its bridge and its transfer."""

from __future__ import annotations

from typing import Any

from sfcmt.config import DataConfig
from sfcmt.data.dataset import Dataset
from sfcmt.data.schema import Split
from sfcmt.experiment import Experiment
from sfcmt.models.backbones import pretrained_weights
from sfcmt.models.translators import TRANSLATORS
from sfcmt.recipe import Recipe
from sfcmt.stages.method import METHODS

TRANSFER = "transfer"
"""Kind of the recipes whose artifacts are target models."""
IMAGES = ("sfcmt.data.images", "sfcmt.data.batches", "sfcmt.models.normalise")
"""Parts of whatever sees images."""
TRAINING = ("sfcmt.data.augment", "sfcmt.stages.fit", "sfcmt.stages.optimiser")
"""Parts of whatever has epochs."""
CLASSIFIER = ("sfcmt.models.backbones", "sfcmt.models.classifier", "sfcmt.stages.learner")
"""Parts of whatever trains a classifier."""
_UNLABELLED = (Split.PAIRS, Split.TARGET)


def source_data(experiment: Experiment[Any]) -> DataConfig:
    """How images are read for the source model; what is set here and not in its config is in its identity."""
    return experiment.data.model_copy(update={"size": experiment.source.size or experiment.data.size})


def source_recipe(experiment: Experiment[Any], dataset: Dataset, seed: int) -> Recipe:
    """Train F_s and C_s on TR source images, the only recipe that reads these."""
    source = experiment.source
    return Recipe(
        kind="source",
        name="source",
        trained_by="sfcmt.stages.source:train_source",
        parts=(*IMAGES, *TRAINING, *CLASSIFIER),
        config=source,
        preset="source",
        data=source_data(experiment),
        dataset=dataset,
        reads=(Split.SOURCE,),
        seed=seed,
        more={"weights": pretrained_weights(source.backbone)} if source.pretrained else {},
    )


def bridge_recipe(experiment: Experiment[Any], dataset: Dataset, seed: int) -> Recipe:
    """Train T and the discriminator D of TGMB; F_s and C_s stay as they are."""
    discriminator = ("sfcmt.models.discriminator",) if experiment.bridge.alpha_d else ()
    return Recipe(
        kind="bridge",
        name="bridge",
        trained_by="sfcmt.stages.bridge:train_bridge",
        parts=(*IMAGES, *TRAINING, TRANSLATORS.module(experiment.bridge.translator), *discriminator),
        config=experiment.bridge,
        preset="bridge",
        data=experiment.data,
        dataset=dataset,
        reads=_UNLABELLED,
        seed=seed,
        upstream=(source_recipe(experiment, dataset, seed),),
    )


def transfer_recipe(experiment: Experiment[Any], dataset: Dataset, seed: int) -> Recipe:
    """Train the experiment's method.

    It stands on the source model, the bridge if the method has a use for it, and the methods whose models it uses.
    """
    method, config = METHODS[experiment.method], experiment.transfer
    upstream = [source_recipe(experiment, dataset, seed)]
    if method.needs_bridge(config):
        upstream.append(bridge_recipe(experiment, dataset, seed))
    upstream += [transfer_recipe(experiment.with_method(name), dataset, seed) for name in method.upstream(config)]
    training = (*TRAINING, *CLASSIFIER, "sfcmt.stages.student", "sfcmt.stages.teacher") if method.trains else ()
    return Recipe(
        kind=TRANSFER,
        name=experiment.method,
        trained_by="sfcmt.stages.transfer:train_transfer",
        parts=(*IMAGES, *training, *method.parts(config)),
        config=config,
        preset=f"transfer.{experiment.method}",
        data=experiment.data,
        dataset=dataset,
        reads=_UNLABELLED,
        seed=seed,
        upstream=tuple(upstream),
        trains=method.trains,
    )
