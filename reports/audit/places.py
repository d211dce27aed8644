"""Finding what is to be audited: a study's winner, a registered model, a transfer's folder, anybody's logits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from optuna.trial import TrialState

from sfcmt.artifact import RECORD, Artifact
from sfcmt.data.dataset import Dataset
from sfcmt.data.schema import Split
from sfcmt.errors import ConfigError, DataError, Problem
from sfcmt.file_digests import sha256_of
from sfcmt.logits_file import read_logits
from sfcmt.models.target_model import read_spec
from sfcmt.outputs import Outputs
from sfcmt.recipes import TRANSFER
from sfcmt.reports.audit.audited import Audited, AuditedModel
from sfcmt.reports.audit.found import Found
from sfcmt.reports.audit.left_out import left_out
from sfcmt.store import Store
from sfcmt.tuning.search.distilling import DISTILLED
from sfcmt.tuning.search.study import Study

_LOGITS = ".parquet"


def find_audited(place: str, against: Sequence[str], store: str, data: Path | None = None) -> Audited:
    """The models at some places, and the images that all have answered. `data` is the data set's folder.

    Raises `ConfigError`, `DataError`, and `SearchError` for a study that has no winner yet.
    """
    first = _find(place, store, data)
    found = {place: first}
    for other in against:
        one = _member(first, other) or _find(other, store, data, first)
        if one.model.transfer in {known.model.transfer for known in found.values()}:
            raise ConfigError([Problem("--against", other, "a model that is not named yet")])
        found[other] = one
    dataset = _dataset(first, data)
    for named, one in found.items():
        if not one.answers_for(dataset):
            raise DataError(f"{named}: has answered other images than the target images of {dataset.folder}")
    return _audited(found, dataset, first.store)


def _audited(found: Mapping[str, Found], dataset: Dataset, store: Store) -> Audited:
    """Models, on the images whose labels have chosen none of them. Raises `DataError` where these are not known."""
    ids = np.array(dataset.columns(Split.TARGET, "id")["id"].to_pylist())
    chose = {named: left_out(one.store, [one.model.transfer]) for named, one in found.items()}
    for named, one in found.items():
        if len(chose[named]) < one.few_labels:
            reason = f"was chosen by {one.few_labels} labels, of images that its study knows; name its store by --store"
            raise DataError(f"{named}: {reason}")
    rows = np.flatnonzero(~np.isin(ids, [*set[str]().union(*chose.values())]))
    models = [replace(one.model, logits=one.model.logits[torch.from_numpy(rows)]) for one in found.values()]
    return Audited(models, dataset, store, rows)


def _find(place: str, store: str, data: Path | None, first: Found | None = None) -> Found:
    """The model at a place. Raises `ConfigError`, `RegistryError`, `SearchError` for a study without a winner."""
    if place.endswith(_LOGITS):
        return _of_logits(Path(place), first.store if first else Store(store), _dataset(first, data))
    if place.startswith("models:"):
        from sfcmt.reports.audit.registered import registered

        return registered(place, store)
    if (Path(place) / RECORD).is_file():
        return _stage(Path(place), store)
    study = Study.find(place, store)
    winner = study.selection()
    return _of_study(study, f"trial {winner['winner']}", winner["transfer"])


def _member(first: Found, name: str) -> Found | None:
    """A model of the study of another: a completed trial by its number, an anchor, what was distilled."""
    if (study := first.study) is None:
        return None
    ended = [trial for trial in study.trials if trial.state == TrialState.COMPLETE]
    trials = {str(trial.number): trial.user_attrs["transfer"] for trial in ended}
    distilled = {DISTILLED: made["transfer"]} if (made := study.distilled()) else {}
    transfer = (trials | dict(study.record.anchors) | distilled).get(name)
    return _of_study(study, f"trial {name}" if name in trials else name, transfer) if transfer else None


def _of_study(study: Study, name: str, transfer: str) -> Found:
    logits = Outputs.load(study.transfer(transfer)).target_logits
    model = AuditedModel(f"{study.name}, {name}", transfer, logits)
    return Found(model, study.store, study.dataset.digest(Split.TARGET), study.dataset.classes, study)


def _stage(folder: Path, store: str) -> Found:
    record = Artifact(folder, reused=True).record
    if (kind := record.get("kind")) != TRANSFER:
        raise ConfigError([Problem("PLACE", str(folder), f"the folder of a {TRANSFER} (this one: {kind})")])
    own = folder.resolve().parent
    kept = Store(own.parent if own.name == "stages" else store)
    logits = Outputs.load(folder).target_logits
    model = AuditedModel(f"{record['recipe']['name']}, {folder.name}", record["identity"], logits)
    return Found(model, kept, record["recipe"]["data"]["digest"], read_spec(folder).classes)


def _of_logits(file: Path, store: Store, dataset: Dataset) -> Found:
    logits = read_logits(file, dataset).target_logits
    model = AuditedModel(file.name, f"logits-{sha256_of(file)}", logits)
    return Found(model, store, dataset.digest(Split.TARGET), dataset.classes)


def _dataset(first: Found | None, data: Path | None) -> Dataset:
    if data:
        return Dataset(data).of_task(first.classes) if first else Dataset(data)
    if first and first.study and first.study.has_dataset:
        return first.study.dataset_now()
    raise ConfigError([Problem("--data", None, "the folder of the data set whose target images are to be labelled")])
