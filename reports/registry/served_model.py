"""The code of a registered model. MLflow keeps this file with the model and runs it on loading: nothing is pickled.

Input: one column `encoded_image` with the bytes of a PNG, JPEG, TIFF or `.npy` of the target modality (in JSON:
base64), of any size, with the channels and bits that the model's card names. Output: `label`, and `probabilities` by
class. Decoding as the data set's import did (orientation, invalid values, channels), resizing, filling of holes and
normalising are in the model.
"""

from __future__ import annotations

from pathlib import Path

import pandas as pd
from mlflow import MlflowException
from mlflow.models import set_model
from mlflow.pyfunc import PythonModel, PythonModelContext

from sfcmt.classify import classify_encoded
from sfcmt.errors import DataError
from sfcmt.models.target_model import TargetModel


class ServedModel(PythonModel):  # type: ignore[misc]
    """A `TargetModel` behind MLflow's interface for any model."""

    def load_context(self, context: PythonModelContext) -> None:
        """Read the weights (safetensors) and the spec (JSON)."""
        self._model = TargetModel.load(Path(context.artifacts["model"]))

    def predict(self, context: PythonModelContext, model_input: pd.DataFrame) -> pd.DataFrame:
        """Classify. Raises `MlflowException`, which its server hands on, naming the row of what is no such image."""
        images = ((f"row {row}", bytes(image)) for row, image in enumerate(model_input["encoded_image"]))
        try:
            found = classify_encoded(self._model, self._model.spec, images)
        except DataError as error:
            raise MlflowException.invalid_parameter_value(str(error)) from error
        return pd.DataFrame(
            {"label": [one.label for one in found], "probabilities": [one.probabilities for one in found]}
        )


set_model(ServedModel())
