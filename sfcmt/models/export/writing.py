"""Writing a model to a file, which is complete and computes what the model does, or absent."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from sfcmt.durable import disk_errors, rename_durably
from sfcmt.errors import ConfigError, ModelError, Problem
from sfcmt.models.export.formats import FORMATS
from sfcmt.models.export.program import Probabilities
from sfcmt.models.target_model import ModelSpec

TOLERANCE = 1e-4
"""Largest difference of a probability from the model's."""
IMAGES = 8


@dataclass(frozen=True)
class Exported:
    """A file that a model was written to.

    `difference` is the largest one between its probabilities and the model's for random images; None if nothing here
    can run the file.
    """

    path: Path
    difference: float | None


def check_export(format_name: str, output: Path) -> None:
    """Raise `ConfigError` or `ModelError` if nothing could be written, whatever the model."""
    FORMATS[format_name]().require()
    if output.suffix != f".{format_name}":
        raise ConfigError([Problem("output", str(output), f"a name that ends in .{format_name}")])
    if output.exists():
        raise ConfigError([Problem("output", str(output), "a file that does not exist yet")])
    if not output.parent.is_dir():
        raise ConfigError([Problem("output", str(output), "a file in a folder that exists")])


def export_model(model: nn.Module, spec: ModelSpec, format_name: str, output: Path) -> Exported:
    """Write a model that maps stored pixels to logits. Raises `ConfigError`, `ModelError`, and leaves nothing then."""
    check_export(format_name, output)
    form = FORMATS[format_name]()
    with disk_errors(output), _folder_beside(output) as folder:
        path = folder / output.name
        try:
            form.write(model, spec, path)
        except RuntimeError as error:  # of which torch's own are
            reason = str(error.__cause__ or error).strip().split("\n", 1)[0]  # torch.onnx wraps it in advice
            raise ModelError(f"{spec.backbone}: cannot be written as {format_name} ({reason})") from error
        run = form.read(path)
        difference = _difference(run, Probabilities(model), spec) if run else None
        if difference is not None and not difference <= TOLERANCE:  # NaN is not
            raise ModelError(f"{output}: not written: its probabilities differ from the model's by {difference:.1g}")
        rename_durably(path, output)
    return Exported(output, difference)


@contextmanager
def _folder_beside(output: Path) -> Iterator[Path]:
    """A temporary folder from which a file is renamed to `output`."""
    try:
        temporary = tempfile.TemporaryDirectory(dir=output.parent, prefix=".sfcmt-")
    except OSError as error:
        raise ModelError(f"{output}: cannot be written ({error.strerror})") from error
    with temporary as folder:
        yield Path(folder)


@torch.no_grad()
def _difference(run: Callable[[Tensor], Tensor], model: nn.Module, spec: ModelSpec) -> float:
    """The largest difference of a probability, for random images with holes, one alone and the rest together."""
    generator = torch.Generator().manual_seed(0)
    shape = (IMAGES, spec.channels, spec.size, spec.size)
    mean, std = (torch.tensor(values).view(-1, 1, 1) for values in (spec.normalisation.mean, spec.normalisation.std))
    x_BCHW = mean + std * torch.randn(shape, generator=generator)
    if spec.bits != 32:
        x_BCHW = torch.randint(0, 2**spec.bits, shape, generator=generator).float()
    x_BCHW[:, :, : spec.size // 4] = 0
    found = [(run(batch) - model(batch)).abs() for batch in (x_BCHW[:1], x_BCHW[1:])]
    return float(torch.cat(found).max())
