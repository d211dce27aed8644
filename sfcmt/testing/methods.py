"""What holds for every method of transfer."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import torch

from sfcmt.artifact import Artifact
from sfcmt.data.dataset import Dataset
from sfcmt.data.images import decode
from sfcmt.data.loading import ChosenImages, StreamedImages
from sfcmt.data.schema import Split
from sfcmt.data.target_holdout import held_out
from sfcmt.errors import ConfigError
from sfcmt.models.target_model import TargetModel
from sfcmt.outputs import Outputs
from sfcmt.stages.method import METHODS
from sfcmt.stages.transfer_context import TransferContext
from sfcmt.testing.precision import AutocastWatch
from sfcmt.testing.tiny import (
    SIZE,
    contents,
    context_of,
    get_or_train,
    recipe_of,
    tiny_experiment,
    write_tiny,
)


class Adapted(NamedTuple):
    """What a method was given, and made of it."""

    context: TransferContext[Any]
    model: TargetModel


class MethodContract:
    """Tests of a method; a subclass has a fixture `method` of the scope `module`, its name."""

    @pytest.fixture(scope="module")
    def method(self) -> str:
        """The name of the method that is tested."""
        raise NotImplementedError("give the subclass a fixture `method` that returns the name of yours")

    @pytest.fixture(scope="module")
    def store(self, tmp_path_factory: pytest.TempPathFactory) -> Path:
        """A store with the source model and the bridge of the tiny experiment."""
        folder = tmp_path_factory.mktemp("store")
        get_or_train("bridge", tiny_experiment(write_tiny(folder / "data"), folder / "store"))
        return folder / "store"

    @pytest.fixture(scope="module")
    def source_free(self, tmp_path_factory: pytest.TempPathFactory) -> Path:
        """The tiny data set where neither TR source images nor anything sealed is left."""
        folder = write_tiny(tmp_path_factory.mktemp("source-free") / "data")
        (folder / "source.parquet").unlink()
        shutil.rmtree(folder / "sealed")
        return folder

    @pytest.fixture(scope="module")
    def artifact(self, source_free: Path, store: Path, method: str) -> Artifact:
        """What the store has of it."""
        return get_or_train("transfer", tiny_experiment(source_free, store).with_method(method))

    @pytest.fixture(scope="module")
    def adapted(self, source_free: Path, store: Path, method: str, tmp_path_factory: pytest.TempPathFactory) -> Adapted:
        """The same once more, outside the store."""
        return _adapt(source_free, store, method, tmp_path_factory.mktemp(method), 0)

    def test_gives_a_model_whose_answers_are_its_outputs(self, source_free: Path, artifact: Artifact) -> None:
        """On images that it was trained on, as they are stored."""
        model, outputs = TargetModel.load(artifact.path), Outputs.load(artifact.path)
        x = pixels(source_free, Split.TARGET, "image")
        assert x.shape == (60, 1, SIZE, SIZE)
        with torch.no_grad():
            torch.testing.assert_close(model(x), outputs.target_logits, atol=1e-4, rtol=1e-4)
        assert outputs.target_features.shape == (60, 256)
        held = len(outputs.pair_logits)
        assert 0 < held < 60
        assert outputs.pair_features.shape == outputs.pair_source_features.shape == (held, 256)
        assert outputs.pair_source_logits.shape == (held, 3)

    def test_held_out_pairs_are_seen_by_both_models(self, source_free: Path, store: Path, artifact: Artifact) -> None:
        """The target side by the method's, the source side by the source model."""
        outputs = Outputs.load(artifact.path)
        source = TargetModel.load(get_or_train("source", tiny_experiment(source_free, store)).path)
        model = TargetModel.load(artifact.path)
        near: dict[str, Any] = {"atol": 1e-4, "rtol": 1e-4}
        with torch.no_grad():
            seen = model(pixels(source_free, Split.PAIRS, "target_image"))
            real = source(pixels(source_free, Split.PAIRS, "source_image"))
        rows = [int((seen - logits).abs().sum(dim=1).argmin()) for logits in outputs.pair_logits]
        assert rows == sorted(set(rows))
        torch.testing.assert_close(seen[rows], outputs.pair_logits, **near)
        torch.testing.assert_close(real[rows], outputs.pair_source_logits, **near)

    def test_changes_neither_the_source_model_nor_the_head(self, adapted: Adapted, method: str) -> None:
        """And something else only if it trains."""
        context, model = adapted
        stored = TargetModel.load(context.workspace.artifact("source").path).classifier.state_dict()
        for name, tensor in context.source.state_dict().items():
            assert torch.equal(tensor, stored[name]), name
        for name, tensor in model.classifier.head.state_dict().items():
            assert torch.equal(tensor, stored[f"head.{name}"]), name
        found = model.classifier.state_dict().items()
        moved = [name for name, tensor in found if not torch.equal(tensor, stored[name])]
        assert any(name.endswith("conv1.weight") for name in moved) == METHODS[method].trains

    def test_the_same_seed_gives_the_same_bytes_and_another_gives_others_where_it_trains(
        self, source_free: Path, store: Path, tmp_path: Path, method: str, artifact: Artifact, adapted: Adapted
    ) -> None:
        """Whatever happened before."""
        both = (adapted, _adapt(source_free, store, method, tmp_path, 1))
        for context, model in both:
            model.save(context.workspace.folder)
        same, other = (contents(context.workspace.folder)["model.safetensors"] for context, _ in both)
        assert same == contents(artifact.path)["model.safetensors"]
        if METHODS[method].trains:
            assert other != same

    @pytest.mark.parametrize("precision", ["float32", "bfloat16"])
    def test_learns_with_an_average_in_either_precision(
        self, source_free: Path, store: Path, tmp_path: Path, method: str, precision: str
    ) -> None:
        """Under an augmented teacher, with depthwise convolutions frozen. Its networks alone are in the precision."""
        if not METHODS[method].trains:
            pytest.skip("it has no epochs")
        changes = {"ema": 0.5, "precision": precision, "teacher_view": "augmented", "freeze_depthwise": True}
        experiment = tiny_experiment(source_free, store, method=method, transfer=changes | {"epochs": 1})
        context = context_of(experiment, tmp_path)
        context.workspace.callback = watch = AutocastWatch()
        model = METHODS[method]().adapt(context)
        watch.require(half=precision == "bfloat16")
        assert all(torch.isfinite(tensor).all() for tensor in model.state_dict().values())
        assert all(tensor.dtype in (torch.float32, torch.int64) for tensor in model.state_dict().values())

    def test_asks_for_no_target_image_that_is_held_out(
        self, source_free: Path, store: Path, tmp_path: Path, method: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Until it has learned all: what it says of them is in its outputs, beside which they are."""
        data: dict[str, Any] = {"target_holdout": 0.3}
        config: dict[str, Any] = {"epochs": 1} if METHODS[method].trains else {}
        context = context_of(tiny_experiment(source_free, store, method=method, data=data, transfer=config), tmp_path)
        held_out, asked = held_out_rows(source_free, 0.3), asked_rows(context, monkeypatch)
        model = METHODS[method]().adapt(context).to(context.workspace.device).eval()
        assert not asked & held_out
        outputs = context.answers(model).outputs
        assert asked >= held_out
        assert outputs.held_out is not None
        assert {*outputs.held_out.nonzero().flatten().tolist()} == held_out
        with torch.no_grad():
            expected = model(pixels(source_free, Split.TARGET, "image"))
        torch.testing.assert_close(outputs.target_logits, expected, atol=1e-4, rtol=1e-4)

    def test_without_pairs_it_trains_or_is_refused_before(self, store: Path, tmp_path: Path, method: str) -> None:
        """And its outputs have no pairs then."""
        folder = write_tiny(tmp_path / "data", pairs=False)
        experiment = tiny_experiment(folder, store, method=method, transfer={"epochs": 1})
        kind = METHODS[method]
        config = kind.without_pairs(experiment.transfer)
        if kind.needs_pairs(config) or kind.needs_bridge(config):
            with pytest.raises(ConfigError, match=f"method: '{method}' .* a data set with TI pairs, or .* source_only"):
                recipe_of("transfer", experiment)
            return
        outputs = Outputs.load(get_or_train("transfer", experiment).path)
        assert len(outputs.target_logits) == 60
        assert outputs.pair_logits.shape == outputs.pair_source_logits.shape == (0, 3)
        assert not outputs.has_pairs


def held_out_rows(folder: Path, fraction: float) -> set[int]:
    """Rows of target images that a `data.target_holdout` of this size keeps out."""
    return {*map(int, held_out(Dataset(folder), fraction).nonzero()[0])}


def asked_rows(context: TransferContext[Any], monkeypatch: pytest.MonkeyPatch) -> set[int]:
    """The rows of target images that are asked for from now on, as they are."""
    images, asked = context.data.held_target.images, set[int]()
    assert isinstance(images, ChosenImages)
    target, prefetch = images.images, StreamedImages.prefetch

    def noted(self: StreamedImages, index_B: torch.Tensor) -> None:  # `batch` calls it, too
        if self is target:
            asked.update(index_B.tolist())
        prefetch(self, index_B)

    monkeypatch.setattr(StreamedImages, "prefetch", noted)
    return asked


def pixels(folder: Path, split: Split, column: str) -> torch.Tensor:
    """A column's stored pixels (N, C, SIZE, SIZE)."""
    encoded = Dataset(folder).table(split)[column].to_pylist()
    return torch.stack([torch.from_numpy(decode(data, column).copy()) for data in encoded])


def _adapt(source_free: Path, store: Path, method: str, folder: Path, seed: int) -> Adapted:
    torch.rand(3)  # what happened before must not matter
    context = context_of(tiny_experiment(source_free, store).with_method(method), folder / str(seed), seed)
    return Adapted(context, METHODS[method]().adapt(context))
