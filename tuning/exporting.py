"""Exporting a trained model from wherever it is."""

from __future__ import annotations

import re
from pathlib import Path

from sfcmt.models.export.writing import Exported, check_export, export_model
from sfcmt.tuning.models import is_uri, load_model


def export(model: str, format_name: str, output: Path | None = None, run_code: bool = False) -> Exported:
    """Write a model, in a folder or in MLflow, to one file (or a folder, for hf) that works without sfcmt's store.

    `format_name` is onnx, pt2, safetensors or hf; `output` is the model's name in the working directory by default. The
    program of onnx and pt2 takes stored pixels at the model's size and gives class probabilities; what it needs to be
    told is in the file's card. `run_code` is as for `load_model`. Raises `ConfigError`, `ModelError`.
    """
    output = output or Path(f"{_name(model)}.{format_name}")
    check_export(format_name, output)
    return export_model(*load_model(model, run_code), format_name, output)


def _name(model: str) -> str:
    """What a file is called after: the folder, or all of a URI but its scheme."""
    if is_uri(model):
        return re.sub(r"[^\w.]+", "-", model.partition(":")[2]).strip("-")
    return Path(model).resolve().name.removesuffix(".safetensors")
