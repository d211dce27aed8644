"""Versions of a registered model: made once for each candidate, found again by its identity."""

from __future__ import annotations

import tempfile
from pathlib import Path

import mlflow
import numpy as np
import pandas as pd
import torch
from mlflow.entities.model_registry import ModelVersion
from mlflow.models import ModelSignature
from mlflow.types import ColSpec, DataType, Schema
from mlflow.types.schema import Map

from sfcmt.data.images import BITS, encode
from sfcmt.models.target_model import ModelSpec, TargetModel
from sfcmt.outputs import Outputs
from sfcmt.reports.drift.reference import reference_of, save_reference
from sfcmt.reports.registry.candidate import IDENTITY, Candidate
from sfcmt.reports.registry.card import model_card
from sfcmt.reports.registry.errors import RegistryError
from sfcmt.reports.registry.predictions import Predictions
from sfcmt.tuning.mlflow_calls import active_run, open_experiment, tag_is
from sfcmt.tuning.models import SERVED
from sfcmt.tuning.search.mlflow_sync import SearchSync
from sfcmt.tuning.search.study import Study
from sfcmt.tuning.tracker import IDENTITY as STUDY_IDENTITY
from sfcmt.version import __version__

_CARD = "model_card.md"
SIGNATURE = ModelSignature(
    Schema([ColSpec(DataType.binary, "encoded_image")]),
    Schema([ColSpec(DataType.string, "label"), ColSpec(Map(DataType.double), "probabilities")]),
)


def find_or_register(candidate: Candidate, name: str) -> ModelVersion:
    """The candidate's version, registered now if it is not there; its description is the card of today."""
    client = mlflow.MlflowClient()
    found = client.search_model_versions(tag_is(IDENTITY, candidate.identity))  # whatever letters a name has
    ours = [version for version in found if version.name == name]
    version = ours[0] if ours else _register(candidate, name)
    return client.update_model_version(name, version.version, model_card(candidate))


def predictions_of_version(version: ModelVersion) -> Predictions:
    """What a version says of the target images that it was picked by."""
    with tempfile.TemporaryDirectory() as folder:
        place = f"models:/{version.name}/{version.version}/{SERVED}"
        return Predictions.load(Path(mlflow.artifacts.download_artifacts(place, dst_path=folder)))


def _register(candidate: Candidate, name: str) -> ModelVersion:
    """Log the model to the study's run, beside its exported program, and register it."""
    with tempfile.TemporaryDirectory() as folder, active_run(*_run_of(candidate.study)):
        served = Path(folder) / Path(SERVED).name
        served.mkdir()
        TargetModel.load(candidate.folder).save(served)
        candidate.predictions.save(served)
        save_reference(reference_of(Outputs.load(candidate.folder), candidate.frames), served)
        (served / _CARD).write_text(model_card(candidate), encoding="utf-8")
        logged = mlflow.pyfunc.log_model(
            name="served",
            python_model=str(Path(__file__).with_name("served_model.py")),
            artifacts={"model": str(served)},
            signature=SIGNATURE,
            input_example=pd.DataFrame({"encoded_image": [_example(candidate.spec)]}),
            pip_requirements=[f"sfcmt=={__version__}", f"torch=={torch.__version__.split('+')[0]}"],
            metadata={"spec": candidate.spec.model_dump_json()},
        )
    return mlflow.register_model(logged.model_uri, name, tags=candidate.lineage)


def _example(spec: ModelSpec) -> bytes:
    """An even grey: no image of the data set leaves it."""
    dtype = next(name for name, bits in BITS.items() if bits == spec.bits)
    mean = np.array(spec.normalisation.mean, dtype=dtype)
    return encode(np.broadcast_to(mean[:, None, None], (spec.channels, spec.size, spec.size)))


def _run_of(study: Study) -> tuple[str, str]:
    """The ids of the study's experiment and run, once all is there that the study knows."""
    sync = SearchSync(study)
    if not sync.sync():
        raise RegistryError(str(sync.problem)) from sync.problem
    experiment_id = open_experiment(study.name)
    (run,) = mlflow.MlflowClient().search_runs([experiment_id], tag_is(STUDY_IDENTITY, study.identity))
    return experiment_id, str(run.info.run_id)
