"""An export is whole and right, or there is nothing."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from sfcmt.errors import ConfigError, ModelError
from sfcmt.models.export.formats.safetensors import Safetensors
from sfcmt.models.export.writing import check_export, export_model
from tests.models.test_target_model import make


@pytest.mark.parametrize(
    ("format_name", "output", "allowed"),
    [
        ("zip", "model.zip", "allowed: hf, onnx, pt2, safetensors"),
        ("pt2", "model.onnx", "allowed: a name that ends in .pt2"),
        ("pt2", "model", "allowed: a name that ends in .pt2"),
        ("pt2", "there.pt2", "allowed: a file that does not exist yet"),
        ("safetensors", "nowhere/model.safetensors", "allowed: a file in a folder that exists"),
    ],
)
def test_what_cannot_be_written_is_told_before_anything_is_done(
    tmp_path: Path, format_name: str, output: str, allowed: str
) -> None:
    (tmp_path / "there.pt2").write_text("mine")
    with pytest.raises(ConfigError) as caught:
        check_export(format_name, tmp_path / output)
    (problem,) = caught.value.problems
    assert str(problem).endswith(allowed)
    with pytest.raises(ConfigError):
        export_model(nn.Identity(), make().spec, format_name, tmp_path / output)
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("there.pt2", "mine")]


def test_a_folder_that_takes_no_files_is_told() -> None:
    model = make()
    with pytest.raises(ModelError, match=r"^/proc/model.safetensors: cannot be written \(No such file or directory\)$"):
        export_model(model, model.spec, "safetensors", Path("/proc/model.safetensors"))


@pytest.mark.parametrize("error", [2e-4, float("nan")])
def test_a_file_that_computes_something_else_does_not_stay(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: float
) -> None:
    read = Safetensors.read

    def wrong(self: Safetensors, path: Path) -> Callable[[Tensor], Tensor]:
        right = read(self, path)
        return lambda x_BCHW: right(x_BCHW) + error * (len(x_BCHW) > 1)

    monkeypatch.setattr(Safetensors, "read", wrong)
    model = make()
    with pytest.raises(ModelError, match=f"not written: its probabilities differ from the model's by {error:.1g}$"):
        export_model(model, model.spec, "safetensors", tmp_path / "model.safetensors")
    assert not list(tmp_path.iterdir())


class Undecided(nn.Module):
    """What it does depends on the values that it sees."""

    def forward(self, x_BCHW: Tensor) -> Tensor:
        return torch.zeros(len(x_BCHW), 3) if x_BCHW.sum() > 0 else torch.ones(len(x_BCHW), 3)


@pytest.mark.slow
def test_a_network_that_is_no_graph_is_a_model_error(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"^small: cannot be written as pt2 \(.+\)$"):
        export_model(Undecided(), make().spec, "pt2", tmp_path / "model.pt2")
    assert not list(tmp_path.iterdir())
