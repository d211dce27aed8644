"""The verb `export`. What it needs is imported late: the command must start fast."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

RunCode = Annotated[
    bool, typer.Option("--run-code", help="Run the function that makes the network, where a python: model has one.")
]


def export(
    model: Annotated[
        str, typer.Argument(help="What sfcmt predict takes: a stage's folder, a .safetensors file, or an MLflow URI.")
    ],
    format_name: Annotated[str, typer.Option("--format", help="onnx, pt2, safetensors or hf (a folder).")],
    run_code: RunCode = False,
    output: Annotated[Path | None, typer.Option(help="What to write (default: the model's name, here).")] = None,
) -> None:
    """Write a model in a form that works elsewhere: ONNX, a program of PyTorch's, weights, or Hugging Face's folder."""
    from sfcmt.models.export.writing import IMAGES
    from sfcmt.tuning.exporting import export

    exported = export(model, format_name, output, run_code)
    if exported.difference is None:
        typer.echo(f"{exported.path}: written, and not compared with the model: onnxruntime is not installed")
        return
    difference = f"{exported.difference:.1g} at most, for {IMAGES} random images"
    typer.echo(f"{exported.path}: its probabilities differ from the model's by {difference}")
