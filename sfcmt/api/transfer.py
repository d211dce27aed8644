"""A whole transfer in one call: images in any form become a data set in the store, and the usual stages do the rest."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sfcmt.api.source_model import SourceModel
from sfcmt.api.transferred import Transferred
from sfcmt.callbacks import Callback, Callbacks
from sfcmt.config import GivenSourceConfig
from sfcmt.data.collected import CollectedData
from sfcmt.data.collection import collected, collected_pairs
from sfcmt.data.manifest import MANIFEST, Holes
from sfcmt.data.reading import PLAIN, Reading
from sfcmt.errors import ConfigError, DataError, Problem
from sfcmt.experiment import DEFAULT_METHOD, Experiment, override_field, parse_experiment
from sfcmt.models.given import GivenSource
from sfcmt.progress.command import command_progress
from sfcmt.recipes import source_size, transfer_recipe
from sfcmt.stages.dry_run import dry_run
from sfcmt.storage import absolute_store
from sfcmt.store import Store
from sfcmt.task import open_task


def transfer(
    source: SourceModel,
    target: Any,
    pairs: Any = None,
    *,
    method: str = DEFAULT_METHOD,
    seed: int = 0,
    size: int | None = None,
    store: str | Path | None = None,
    holes: Holes = "keep",
    invalid: Sequence[float] = (),
    unit: str | None = None,
    seal_labels: bool = False,
    overrides: Sequence[str] = (),
    verbose: bool = False,
    callback: Callback | None = None,
) -> Transferred:
    """Move an RGB classifier to another modality, without RGB images of its task and without target labels.

    `target` are unlabelled images of the task, of any size and number of channels. `pairs` are two: RGB images
    of other things, and the same scenes in the target modality, of the same sizes; two folders are paired by name, all
    else by place. Without them, methods that need none can be used, and the default does what it can.

    Images are a folder, a list of paths, an array or tensor (N, C, H, W), or a torch data set whose items are images or
    tuples that begin with one. uint8 and uint16 stay as they are, floats in [0, 1] become 8 bits, other integers 16;
    with a `unit`, such as "m", floats are measured values, and stay. A data set that `sfcmt data import` made is a
    `target` without `pairs`: its own are used.

    `size` is of the model's images in pixels: what the source model expects, if None. `store` keeps the results
    (SFCMT_STORE, or ./sfcmt-store). `holes` says what becomes of target pixels of value 0, and of those of the values
    that are `invalid`. `seal_labels` keeps the labels of a torch data set with `classes`, such as torchvision's
    `ImageFolder`, for judging only. `overrides` are as on the command line. With `verbose` each epoch is told on
    standard error; a `callback` hears of everything.

    Training is in this process. What is in the store is not trained again; of a data set with random transforms each
    call makes another one. Raises `ConfigError`, `ModelError`, `DataError`, before anything is trained if it can.

    >>> source = SourceModel.from_module(model, ["across", "down", "centre"], size=32)
    >>> settings = ["transfer.epochs=1", "transfer.batch=16"]
    >>> result = transfer(source, "thermal", ("rgb", "thermal_pairs"), method="shot", overrides=settings)
    >>> [round(sum(one.probabilities.values())) for one in result.predict("thermal")[:2]]
    [1, 1]
    >>> result.module(torch.zeros(5, 1, 32, 32)).shape
    torch.Size([5, 3])
    >>> transfer(source, "thermal", ("rgb", "thermal_pairs"), method="shot", overrides=settings).artifact.reused
    True
    """
    experiment = _experiment(source, {"method": method, "seed": seed}, size, store, overrides)
    if isinstance(experiment.source, GivenSourceConfig):  # unless an override asks for one that is trained here
        GivenSource(experiment.source).classifier(source_size(experiment))
    place = Store(experiment.runtime.store)
    with _told(experiment, verbose, callback) as told:
        with told.doing("reading the images"):
            reading = Reading(invalid=tuple(invalid), unit=unit)
            folder = _data_folder(target, pairs, place.root, holes, reading, seal_labels)
        found = experiment.model_copy(update={"data": experiment.data.model_copy(update={"folder": str(folder)})})
        recipe = transfer_recipe(found, open_task(found, place.root), found.seed)
        dry_run([recipe], place)
        return Transferred(found, place.get_or_train(recipe, found.runtime, told))


def _experiment(
    source: SourceModel, fields: dict[str, Any], size: int | None, store: str | Path | None, overrides: Sequence[str]
) -> Experiment[Any]:
    raw = {**fields, "source": source.config.model_dump(), "data": {"size": size}, "runtime": {}}
    for override in overrides:
        override_field(raw, override)
    if store is not None:
        raw["runtime"]["store"] = str(store)
    experiment = parse_experiment(raw)
    _check(experiment)
    runtime = experiment.runtime.model_copy(update={"store": absolute_store(experiment.runtime.store)})
    return experiment.model_copy(update={"runtime": runtime})


def _check(experiment: Experiment[Any]) -> None:
    """Refuse what `overrides` cannot change here."""
    problems = []
    if experiment.runtime.workers != 1:
        here = "1 (this process trains); for several, sfcmt run or compare, with a source model that all can make"
        problems.append(Problem("runtime.workers", experiment.runtime.workers, here))
    if experiment.data.folder is not None:
        problems.append(Problem("data.folder", experiment.data.folder, "nothing: target and pairs are the data"))
    if problems:
        raise ConfigError(problems)


def _data_folder(target: Any, pairs: Any, store: Path, holes: Holes, reading: Reading, seal_labels: bool) -> Path:
    """The folder of the data set: one of ours, or one that is made of the images."""
    if isinstance(target, str | Path) and (Path(target) / MANIFEST).is_file():
        if pairs is not None or holes != "keep" or reading != PLAIN or seal_labels:
            others = "no pairs, holes, invalid values, unit or labels"
            raise DataError(f"target: {target} is a data set; allowed beside it: {others}")
        return Path(target).resolve()
    images = collected(target, "target", bool(reading.unit)), collected_pairs(pairs, bool(reading.unit))
    return CollectedData(*images, holes, seal_labels, reading).stored(store)


@contextmanager
def _told(experiment: Experiment[Any], verbose: bool, callback: Callback | None) -> Iterator[Callback]:
    """Whom to tell: the callback, and the one who prints."""
    heard = [callback] if callback else []
    if not verbose:
        yield Callbacks(heard)
        return
    plan = f"Transfer by {experiment.method}, seed {experiment.seed}"
    with command_progress(f"transfer-{experiment.method}", plan, experiment.runtime.store, verbose) as progress:
        yield Callbacks([progress, *heard])
