"""Loading a trained model from wherever it is: a stage's folder, an exported file, an MLflow run, or the registry."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from torch import nn

from sfcmt.classify import Classification, classify
from sfcmt.data.scanner import files_at
from sfcmt.errors import ModelError
from sfcmt.models.export.formats.safetensors import rebuilt
from sfcmt.models.target_model import ModelSpec, TargetModel

if TYPE_CHECKING:
    from mlflow.models.model import ModelInfo

    from sfcmt.tuning.mlflow_calls import MlflowCalls

SERVED = "artifacts/model"
"""Where a registered model holds what `TargetModel.save` wrote."""
_MLFLOW_URI = re.compile(r"^(models|runs|mlflow-artifacts|s3|gs|file):/")


def predict(model: str, images: Iterable[Path], run_code: bool = False) -> list[Classification]:
    """Classify image files of the target modality by a model in a folder or in MLflow: its class and all probabilities.

    Of a folder, all images below it. `run_code` is as for `load_model`. Raises `ModelError`, and `DataError` naming a
    bad file.
    """
    return classify(*load_model(model, run_code), (file for place in images for file in files_at(place)))


def is_uri(place: str) -> bool:
    """Whether a model is in MLflow, rather than on this disk."""
    return bool(_MLFLOW_URI.match(place))


def load_model(place: str, run_code: bool = False) -> tuple[nn.Module, ModelSpec]:
    """A model that maps raw target pixels to logits, and its spec. Raises `ModelError`.

    It is in a folder, or a file that `sfcmt export` wrote as safetensors. In MLflow it is an exported program, or a
    registered model, of which only the weights are read. A network that a user's function makes (`python:`) is refused
    unless `run_code` says that it is trusted: the folder may be a stranger's.
    """
    if not is_uri(place):
        model = (rebuilt if place.endswith(".safetensors") else TargetModel.load)(Path(place), run_code)
        return model, model.spec
    info = _info(place)
    if "pytorch" in info.flavors:
        return _program(place), ModelSpec.model_validate_json(info.metadata["spec"])
    model = TargetModel.load(_downloaded(place), run_code)
    return model, model.spec


def model_folder(place: str) -> Path:
    """The folder of a model that MLflow keeps, downloaded: what `TargetModel.save` wrote. Raises `ModelError`."""
    if "pytorch" in _info(place).flavors:
        raise ModelError(f"{place}: an exported program, which cannot be trained on; name a registered model")
    return _downloaded(place)


def _info(place: str) -> ModelInfo:
    import mlflow

    with _calls(place):
        info = mlflow.models.get_model_info(place)
    if "spec" not in (info.metadata or {}):
        raise ModelError(f"{place}: not a model of sfcmt's (its metadata holds no spec)")
    return info


def _program(place: str) -> nn.Module:
    import mlflow

    with _calls(place):
        program: nn.Module = mlflow.pytorch.load_model(place)
    return program


def _downloaded(place: str) -> Path:
    import mlflow

    with _calls(place):
        return Path(mlflow.artifacts.download_artifacts(place)) / SERVED


def _calls(place: str) -> MlflowCalls:
    from sfcmt.tuning.mlflow_calls import MlflowCalls

    return MlflowCalls(ModelError, advice=f"needed for {place}", writes=False)
