"""Finding a registered model, by the predictions that its version keeps."""

from __future__ import annotations

import json
import re

import mlflow

from sfcmt.errors import ConfigError, Problem
from sfcmt.recipes import TRANSFER
from sfcmt.reports.audit.audited import AuditedModel
from sfcmt.reports.audit.found import Found
from sfcmt.reports.registry.candidate import CLASSES, FEW, STUDY, TARGET
from sfcmt.reports.registry.errors import RegistryError, registry_calls
from sfcmt.reports.registry.versions import predictions_of_version
from sfcmt.storage import absolute_store
from sfcmt.store import Store
from sfcmt.tuning.search.study import Study

_REGISTERED = re.compile(r"models:/(?P<name>[^/@]+)(@(?P<alias>[^/@]+)|/(?P<version>\d+))$")


def registered(place: str, store: str) -> Found:
    """The version at `models:/NAME@ALIAS` or `models:/NAME/VERSION`. Raises `ConfigError`, `RegistryError`."""
    if (named := _REGISTERED.match(place)) is None:
        raise ConfigError([Problem("PLACE", place, "models:/NAME@ALIAS or models:/NAME/VERSION")])
    name, alias, number = named["name"], named["alias"], named["version"]
    with registry_calls(writes=False):
        client = mlflow.MlflowClient()
        version = client.get_model_version_by_alias(name, alias) if alias else client.get_model_version(name, number)
        if CLASSES not in version.tags:
            raise RegistryError(f"{place}: was not registered by sfcmt")
        logits = predictions_of_version(version).logits
    tags = version.tags
    model = AuditedModel(f"{name}, version {version.version}", tags[f"sfcmt.stage.{TRANSFER}"], logits)
    study = _study_here(tags[STUDY], store)
    kept = study.store if study else Store(absolute_store(store))
    return Found(model, kept, tags[TARGET], tuple(json.loads(tags[CLASSES])), study, int(tags.get(FEW, 0)))


def _study_here(name: str, store: str) -> Study | None:
    try:
        return Study.find(name, store)
    except ConfigError:
        return None
