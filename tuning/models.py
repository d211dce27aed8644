"""Loading a trained model from wherever it is: a stage's folder, an MLflow run, or the registry."""

from __future__ import annotations

import re
from pathlib import Path

from torch import nn

from sfcmt.errors import ModelError
from sfcmt.models.target_model import ModelSpec, TargetModel

_MLFLOW_URI = re.compile(r"^(models|runs|mlflow-artifacts|s3|gs|file):/")


def load_model(place: str) -> tuple[nn.Module, ModelSpec]:
    """A model that maps raw target pixels to logits, and its spec. Raises `ModelError`."""
    if not _MLFLOW_URI.match(place):
        model = TargetModel.load(Path(place))
        return model, model.spec
    import mlflow

    try:
        metadata = mlflow.models.get_model_info(place).metadata or {}
        if "spec" not in metadata:
            raise ModelError(f"{place}: not a model of sfcmt's (its metadata holds no spec)")
        return mlflow.pytorch.load_model(place), ModelSpec.model_validate_json(metadata["spec"])
    except mlflow.MlflowException as error:
        raise ModelError(f"{place}: {error.message}") from error
