"""From an experiment to the recipes of its source model, its bridge and its transfer."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sfcmt.config import DataConfig, GivenSourceConfig, GivenStartConfig, SourceConfig, Training
from sfcmt.data.dataset import Dataset
from sfcmt.data.schema import Split
from sfcmt.data.target_holdout import frames_digest
from sfcmt.errors import ConfigError, Problem
from sfcmt.experiment import Experiment
from sfcmt.listing import listed
from sfcmt.models.backbones import pretrained_weights
from sfcmt.models.given import GivenSource
from sfcmt.models.given_start import START, GivenStart
from sfcmt.models.sources import SOURCES
from sfcmt.models.translators import TRANSLATORS
from sfcmt.models.translators.fixed import AUTO, FIXED
from sfcmt.recipe import Recipe
from sfcmt.stages.method import METHODS
from sfcmt.stages.terms import looks_at_pairs

TRANSFER = "transfer"
"""Kind of the recipes whose artifacts are target models."""
PAIR_EVIDENCE = "pair_evidence"
"""Kind of the recipes whose artifacts say which target models are grounded in the pairs."""
IMAGES = ("sfcmt.data.images", "sfcmt.data.batches", "sfcmt.models.normalise")
"""Parts of whatever sees images."""
TRAINING = ("sfcmt.data.augment", "sfcmt.stages.fit", "sfcmt.stages.optimiser")
"""Parts of whatever has epochs."""
BOTTLENECK = ("sfcmt.models.backbones", "sfcmt.models.bottleneck")
"""Parts of whatever makes a classifier anew."""
NETWORK = tuple(f"sfcmt.models.{name}" for name in ("tap", "tapped", "class_outputs", "input_map"))
"""Parts of whatever makes a classifier of a given network."""
CLASSIFIER = ("sfcmt.models.classifier", "sfcmt.stages.learner")
"""Parts of whatever trains a classifier."""
DEFAULT_SIZE = 96
"""Of images, for a source model that is trained here."""


def image_size(experiment: Experiment[Any]) -> int:
    """Height and width of images: what a given source model expects, unless the experiment says it."""
    source, size = experiment.source, experiment.data.size
    if size is not None:
        return size
    return GivenSource(source).input.size if isinstance(source, GivenSourceConfig) else DEFAULT_SIZE


def source_size(experiment: Experiment[Any]) -> int:
    """The same for the source model. What is set here, and not in its config, is in its identity."""
    source = experiment.source
    return (isinstance(source, SourceConfig) and source.size) or image_size(experiment)


def sized(data: DataConfig, size: int) -> DataConfig:
    """How images are read, with their size filled in, by what learns from no target image without labels."""
    return data.model_copy(update={"size": size, "target_holdout": 0.0})


def adapting(experiment: Experiment[Any], dataset: Dataset) -> dict[str, Any]:
    """The part of a recipe that says which target images are learned from: frames count if some are held out."""
    held_out = experiment.data.target_holdout
    return {
        "data": experiment.data.model_copy(update={"size": image_size(experiment)}),
        "more": {"frames": frames_digest(dataset)} if held_out else {},
    }


def without_pairs(experiment: Experiment[Any], dataset: Dataset) -> Experiment[Any]:
    """The same, or where the data set has no TI pairs: what the method does without. Raises `ConfigError`."""
    if dataset.has_pairs:
        return experiment
    method = METHODS[experiment.method]
    adjusted = experiment.model_copy(update={"transfer": method.without_pairs(experiment.transfer)})
    if problems := [*_needing_pairs(adjusted)]:
        raise ConfigError(problems)
    return adjusted


def _needing_pairs(experiment: Experiment[Any]) -> Iterator[Problem]:
    """What cannot do without TI pairs."""
    method, config, needed = METHODS[experiment.method], experiment.transfer, "a data set with TI pairs"
    added = [name for name in method.all_weights(config).keys() - method.weights(config) if looks_at_pairs(name)]
    for name in added:
        yield Problem(f"transfer.terms.{name}", method.all_weights(config)[name], needed)
    if experiment.trains_bridge or (not added and method.needs_pairs(config)):
        allowed = f"{needed}, or one of the methods {', '.join(_do_without_pairs())}"
        yield Problem("method", experiment.method, allowed)
    if experiment.bridge.fixed == AUTO:
        yield Problem("bridge.translator", AUTO, f"copy, {', '.join(FIXED)}: there are no TI pairs")


def _do_without_pairs() -> Iterator[str]:
    for name, method in METHODS.items():
        config = method.without_pairs(method.Config())
        if not method.needs_bridge(config) and not method.needs_pairs(config):
            yield name


def _unlabelled(dataset: Dataset) -> tuple[Split, ...]:
    """What bridging and transfer read."""
    return tuple(split for split in (Split.PAIRS, Split.TARGET) if split in dataset.splits)


def training_parts(training: Training) -> tuple[str, ...]:
    """Parts of a training with such settings."""
    return TRAINING if training.precision == "float32" else (*TRAINING, "sfcmt.precision")


def source_recipe(experiment: Experiment[Any], dataset: Dataset, seed: int) -> Recipe:
    """F_s and C_s: those that the user brings, or trained here."""
    if isinstance(experiment.source, GivenSourceConfig):
        return _given_source(experiment, experiment.source, dataset)
    return _trained_source(experiment, experiment.source, dataset, seed)


def _given_source(experiment: Experiment[Any], config: GivenSourceConfig, dataset: Dataset) -> Recipe:
    """Read a model that was trained elsewhere. No image is read, and a seed changes nothing."""
    source = GivenSource(config)
    if source.classes != dataset.classes:  # an arm of an ablation, say
        allowed = f"the classes that the data set was opened with: {listed(dataset.classes)}"
        raise ConfigError([Problem("source.classes", list(source.classes), allowed)])
    return Recipe(
        kind="source",
        name="source",
        trained_by="sfcmt.stages.given_source:read_source",
        parts=(SOURCES.module(source.kind), *NETWORK),
        config=config,
        preset="source.given",
        data=sized(experiment.data, source_size(experiment)),
        dataset=dataset,
        reads=(),
        seed=0,
        trains=False,
        more=source.identity,
    )


def _trained_source(experiment: Experiment[Any], source: SourceConfig, dataset: Dataset, seed: int) -> Recipe:
    """Train on TR source images, which no other recipe reads."""
    return Recipe(
        kind="source",
        name="source",
        trained_by="sfcmt.stages.source:train_source",
        parts=(*IMAGES, "sfcmt.data.holdout", *training_parts(source), *CLASSIFIER, *BOTTLENECK),
        config=source,
        preset="source",
        data=sized(experiment.data, source_size(experiment)),
        dataset=dataset,
        reads=(Split.SOURCE,),
        seed=seed,
        more={"weights": pretrained_weights(source.backbone)} if source.pretrained else {},
    )


def translator_parts(experiment: Experiment[Any], dataset: Dataset) -> tuple[str, ...]:
    """Parts of whatever sees target images as its models do: the fixed translator, if there is one.

    Raises `ConfigError` where the data set's images are not what it takes.
    """
    fixed, channels = experiment.bridge.fixed, dataset.manifest.target.channels
    if fixed and channels != 1:
        others = ", ".join(name for name in TRANSLATORS if name != "copy")
        raise ConfigError([Problem("bridge.translator", fixed, f"{others}, for target images of {channels} channels")])
    candidates = [*FIXED] if fixed == AUTO else [fixed] if fixed else []
    return (*map(FIXED.module, candidates), "sfcmt.models.fixed_translator") if fixed else ()


def translator_choice(experiment: Experiment[Any], dataset: Dataset, seed: int) -> tuple[Recipe, ...]:
    """Choose the fixed translator by the source model and held-out pairs, where the experiment asks for it."""
    if experiment.bridge.fixed != AUTO:
        return ()
    recipe = Recipe(
        kind="translator",
        name="translator",
        trained_by="sfcmt.stages.translator_choice:choose_translator",
        parts=(*IMAGES, *translator_parts(experiment, dataset)),
        config=experiment.bridge,
        preset="bridge",
        data=sized(experiment.data, image_size(experiment)),
        dataset=dataset,
        reads=_unlabelled(dataset),
        seed=seed,
        upstream=(source_recipe(experiment, dataset, seed),),
        trains=False,
    )
    return (recipe,)


def pair_evidence_recipe(experiment: Experiment[Any], dataset: Dataset, seed: int) -> Recipe | None:
    """What TI pairs tell of target images, by which models are chosen; None without pairs. No method counts."""
    if not dataset.has_pairs:
        return None
    return Recipe(
        kind=PAIR_EVIDENCE,
        name=PAIR_EVIDENCE,
        trained_by="sfcmt.stages.pair_evidence:collect_pair_evidence",
        parts=(*IMAGES, *translator_parts(experiment, dataset)),
        config=experiment.bridge,
        preset="bridge",
        dataset=dataset,
        reads=_unlabelled(dataset),
        seed=seed,
        upstream=(source_recipe(experiment, dataset, seed), *translator_choice(experiment, dataset, seed)),
        trains=False,
        translator=experiment.bridge.fixed,
        **adapting(experiment, dataset),
    )


def bridge_recipe(experiment: Experiment[Any], dataset: Dataset, seed: int) -> Recipe:
    """Train T and the discriminator D of TGMB; F_s and C_s stay as they are."""
    discriminator = ("sfcmt.models.discriminator",) if experiment.bridge.alpha_d else ()
    return Recipe(
        kind="bridge",
        name="bridge",
        trained_by="sfcmt.stages.bridge:train_bridge",
        parts=(
            *IMAGES,
            *training_parts(experiment.bridge),
            TRANSLATORS.module(experiment.bridge.translator),
            *discriminator,
        ),
        config=experiment.bridge,
        preset="bridge",
        dataset=dataset,
        reads=_unlabelled(dataset),
        seed=seed,
        upstream=(source_recipe(experiment, dataset, seed),),
        **adapting(experiment, dataset),
    )


def start_recipe(experiment: Experiment[Any], dataset: Dataset, reference: str) -> Recipe:
    """Read the target model that a transfer goes on from. No image is read; its digest is its identity.

    Raises `ConfigError` where it is of other classes or images, or of another network than the source model.
    """
    start, size, source = GivenStart(reference), image_size(experiment), experiment.source
    start.check(dataset, size, experiment.bridge.fixed or "copy")
    if isinstance(source, SourceConfig) and (start.spec.network or start.spec.backbone != source.backbone):
        allowed = f"a model of the backbone {source.backbone}, as the source model's; its own is {start.spec.backbone}"
        raise ConfigError([Problem("transfer.start", start.reference, allowed)])
    return Recipe(
        kind=START,
        name=START,
        trained_by="sfcmt.stages.given_start:read_start",
        parts=(),
        config=GivenStartConfig(model=start.pinned),
        preset=START,
        data=sized(experiment.data, size),
        dataset=dataset,
        reads=(),
        seed=0,
        trains=False,
        more={"digest": start.digest},
    )


def transfer_recipe(experiment: Experiment[Any], dataset: Dataset, seed: int) -> Recipe:
    """Train the experiment's method.

    It stands on the source model, the bridge if one is trained and the method has a use for it, and the methods whose
    models it uses. A fixed translator is a part of each.
    """
    experiment = without_pairs(experiment, dataset)
    method, config = METHODS[experiment.method], experiment.transfer
    upstream = [source_recipe(experiment, dataset, seed), *translator_choice(experiment, dataset, seed)]
    if experiment.trains_bridge:
        upstream.append(bridge_recipe(experiment, dataset, seed))
    upstream += [transfer_recipe(experiment.with_method(name), dataset, seed) for name in method.upstream(config)]
    if reference := method.given_start(config):
        upstream.append(start_recipe(experiment, dataset, reference))
    own = (
        (*training_parts(config), *CLASSIFIER, "sfcmt.stages.student", "sfcmt.stages.teacher") if method.trains else ()
    )
    return Recipe(
        kind=TRANSFER,
        name=experiment.method,
        trained_by="sfcmt.stages.transfer:train_transfer",
        parts=(*IMAGES, *translator_parts(experiment, dataset), *own, *method.parts(config)),
        config=method.with_start(config),
        preset=f"transfer.{experiment.method}",
        dataset=dataset,
        reads=_unlabelled(dataset),
        seed=seed,
        upstream=tuple(upstream),
        trains=method.trains,
        translator=experiment.bridge.fixed,
        **adapting(experiment, dataset),
    )
