"""ONNX: one file for onnxruntime and most other engines. Needs sfcmt[onnx]."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.export import ExportedProgram
from torch.onnx import ONNXProgram

from sfcmt.errors import ModelError
from sfcmt.models.export.card import card_of, texts_of
from sfcmt.models.export.formats import FORMATS
from sfcmt.models.export.program import BATCH, INPUT, OUTPUT, program_of
from sfcmt.models.target_model import ModelSpec

_PACKAGES = ("onnx", "onnxscript")
_MOST_BYTES = 3 * 2**29
"""Of weights: above, torch writes them to a second file."""


@FORMATS.register("onnx")
class Onnx:
    """The card is in the model's `metadata_props`."""

    def require(self) -> None:
        missing = [name for name in _PACKAGES if find_spec(name) is None]
        if missing:
            raise ModelError(f"onnx: needs {', '.join(missing)}; install with: pip install 'sfcmt[onnx]'")

    def write(self, model: nn.Module, spec: ModelSpec, path: Path) -> None:
        weights = sum(tensor.nbytes for tensor in model.state_dict().values())
        if weights > _MOST_BYTES:
            raise ModelError(f"onnx: one file does not hold {weights} bytes of weights; pt2 and safetensors do")
        program = _translated(program_of(model, spec))
        program.model.metadata_props.update(texts_of(card_of(spec)))
        program.save(path)

    def read(self, path: Path) -> Callable[[Tensor], Tensor] | None:
        """Runs it by onnxruntime, if that is installed."""
        if find_spec("onnxruntime") is None:
            return None
        import onnxruntime

        session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
        return lambda x_BCHW: torch.from_numpy(session.run([OUTPUT], {INPUT: x_BCHW.numpy()})[0])


def _translated(program: ExportedProgram) -> ONNXProgram:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # torch uses its own deprecated parts
        translated = torch.onnx.export(
            program,
            dynamo=True,
            verbose=False,
            input_names=[INPUT],
            output_names=[OUTPUT],
            dynamic_shapes={INPUT: {0: BATCH}},
        )
    assert translated is not None
    return translated
