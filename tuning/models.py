"""Loading a trained model from wherever it is: a stage's folder, an MLflow run, or the registry."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from torch import nn

from sfcmt.classify import Classification, classify
from sfcmt.errors import ModelError
from sfcmt.models.target_model import ModelSpec, TargetModel

SERVED = "artifacts/model"
"""Where a registered model holds what `TargetModel.save` wrote."""
_MLFLOW_URI = re.compile(r"^(models|runs|mlflow-artifacts|s3|gs|file):/")


def predict(model: str, images: Iterable[Path]) -> list[Classification]:
    """Classify image files of the target modality by a model in a folder or in MLflow: its class and all probabilities.

    Raises `ModelError`, and `DataError` naming a bad file.
    """
    return classify(*load_model(model), images)


def load_model(place: str) -> tuple[nn.Module, ModelSpec]:
    """A model that maps raw target pixels to logits, and its spec. Raises `ModelError`.

    In MLflow it is an exported program, or a registered model, of which no code is run: only its weights are read.
    """
    if not _MLFLOW_URI.match(place):
        model = TargetModel.load(Path(place))
        return model, model.spec
    import mlflow

    try:
        info = mlflow.models.get_model_info(place)
        if "spec" not in (info.metadata or {}):
            raise ModelError(f"{place}: not a model of sfcmt's (its metadata holds no spec)")
        spec = ModelSpec.model_validate_json(info.metadata["spec"])
        if "pytorch" in info.flavors:
            return mlflow.pytorch.load_model(place), spec
        return TargetModel.load(Path(mlflow.artifacts.download_artifacts(place)) / SERVED), spec
    except mlflow.MlflowException as error:
        raise ModelError(f"{place}: {error.message}") from error
