"""A transfer from Python is the one that a command would run; it is found again, and refuses what it cannot do."""

from __future__ import annotations

import copy
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn
from torch.utils.data import TensorDataset

import sfcmt
from sfcmt.callbacks import Callback
from sfcmt.data.dataset import Dataset
from sfcmt.data.schema import Sealed
from sfcmt.experiment import parse_experiment
from sfcmt.models.compat import torchvision
from sfcmt.testing.tiny import CLASSES, SIZE, Recorder, contents
from tests.api.examples import OVERRIDES, images, write_folders
from tests.api.networks import custom, resnet


def transferred(store: Path, source: sfcmt.SourceModel | None = None, **changes: Any) -> sfcmt.Transferred:
    """A transfer of the small network by the fewest steps."""
    seen = images()
    given: dict[str, Any] = {"target": seen.target, "pairs": seen.pairs, "method": "shot", "overrides": OVERRIDES}
    return sfcmt.transfer(
        source or sfcmt.SourceModel.from_module(custom(), CLASSES, size=SIZE), store=store, **given | changes
    )


@pytest.mark.slow
@pytest.mark.parametrize("make", [custom, resnet])
def test_it_trains_once_and_leaves_the_module_alone(make: Callable[[], nn.Module], api_store: Path) -> None:
    module = make()
    before = copy.deepcopy(module.state_dict())
    heard = []
    for _ in range(2):
        recorder = Recorder()
        source = sfcmt.SourceModel.from_module(module, CLASSES, size=SIZE)
        result = transferred(api_store, source, seed=7, callback=recorder)
        heard.append((recorder.ended, result.artifact.reused))
    assert heard[0] == ([("source", False), ("transfer", False)], False)
    assert heard[1] == ([("transfer", True)], True)
    assert module.training
    assert all(torch.equal(tensor, before[name]) for name, tensor in module.state_dict().items())


def test_every_form_of_the_images_is_the_same_data_set(api_store: Path, tmp_path: Path) -> None:
    seen = images()
    result = transferred(api_store)
    as_tensors = torch.from_numpy(seen.target).float() / 255, [*map(torch.from_numpy, seen.pairs)]
    with_labels = TensorDataset(torch.from_numpy(seen.target), torch.arange(len(seen.target)))
    for target, pairs in (as_tensors, ([*seen.target], seen.pairs), (with_labels, seen.pairs)):
        again = transferred(api_store, target=target, pairs=pairs)
        assert again.path == result.path
        assert again.artifact.reused


def test_it_is_what_a_command_would_train(api_store: Path, tmp_path: Path) -> None:
    root = write_folders(tmp_path)
    own = transferred(api_store, target=root / "thermal", pairs=(str(root / "rgb"), root / "thermal_pairs"))
    raw: dict[str, Any] = own.experiment.model_dump(mode="json")
    raw["source"] |= {"model": "python:tests.api.networks:custom"}
    raw["runtime"] |= {"store": str(tmp_path / "other")}
    comparison = sfcmt.Comparison(parse_experiment(raw), ["shot"], [0])
    comparison.train(Callback())
    found = comparison.cells[0].artifact
    assert found.identity != own.artifact.identity
    assert contents(found.path) == contents(own.path)


def test_a_data_set_of_ours_has_its_pairs(tiny_data: Path, api_store: Path) -> None:
    result = transferred(api_store, target=tiny_data, pairs=None)
    assert result.experiment.data.folder == str(tiny_data)
    assert result.spec.modality == "depth"
    with pytest.raises(sfcmt.SfcmtError, match=r"is a data set; allowed beside it: no pairs, holes, invalid values,"):
        transferred(api_store, target=str(tiny_data), pairs=images().pairs)


def test_measured_values_of_many_channels_stay_what_they_are(api_store: Path) -> None:
    metres = np.random.default_rng(0).uniform(0.5, 80, (6, 5, SIZE, SIZE))
    metres[0, :, :3, :3] = np.nan
    result = transferred(api_store, target=metres, pairs=None, method="source_only", unit="m", holes="mask")
    data = Dataset(Path(str(result.experiment.data.folder))).manifest
    assert (data.target.channels, data.target.bits, data.reading.unit) == (5, 32, "m")
    assert all(1 < mean < 79 for mean in data.target.normalisation.mean)
    assert result.module(torch.from_numpy(metres[:2]).float()).shape == (2, 3)


def test_without_pairs_the_default_starts_from_bn_adaptation_and_says_so(api_store: Path) -> None:
    result = transferred(api_store, pairs=None, method="robust_tgkt")
    assert "no TI pairs: it starts from bn_adapt, without L_f" in result.artifact.notes
    assert set(result.artifact.record["recipe"]["upstream"]) == {"source", "bn_adapt"}
    assert {"infomax", "snd"} < result.scores.keys()
    assert not {"pair_cosine", "pair_agreement"} & result.scores.keys()


def test_labels_of_an_image_folder_are_sealed_only_if_asked(api_store: Path, tmp_path: Path) -> None:
    for place, pixels in enumerate(images().target):
        (tmp_path / CLASSES[place % 3]).mkdir(exist_ok=True)
        Image.fromarray(pixels[0]).save(tmp_path / CLASSES[place % 3] / f"{place}.png")
    folder = torchvision.datasets.ImageFolder(tmp_path)
    plain, sealed = (transferred(api_store, target=folder, seal_labels=asked) for asked in (False, True))
    assert sealed.path == plain.path
    parts = [set(Dataset(Path(str(one.experiment.data.folder))).manifest.sealed) for one in (plain, sealed)]
    assert parts == [{Sealed.ORIGINS}, {Sealed.ORIGINS, Sealed.LABELS}]
    comparison = sfcmt.Comparison(sealed.experiment, ["shot"], [0])
    assert 0 <= comparison.scores()["shot", 0].accuracy <= 1


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"overrides": ["runtime.workers=2"]}, r"^runtime.workers: 2 is not allowed; allowed: 1 \(this process trains"),
        ({"overrides": ["data=mine"]}, "^data.folder: 'mine' is not allowed; allowed: nothing: target and pairs are"),
        ({"overrides": ["transfer.epoch=1"]}, "^transfer: 'epoch' is not allowed|^transfer.epoch: "),
        ({"method": "magic"}, "^method: 'magic' is not allowed"),
        ({"pairs": 3}, r"^pairs: a int is not allowed; allowed: \(source images, target images\)"),
        (
            {"pairs": None, "method": "tgkt"},
            "^method: 'tgkt' is not allowed; allowed: a data set with TI pairs",
        ),
        ({"size": 8}, "^data.size: 8 is not allowed"),
        ({"seal_labels": True}, "^target: its labels have no names"),
    ],
)
def test_refusals_before_anything_is_written(changes: dict[str, Any], message: str, tmp_path: Path) -> None:
    with pytest.raises(sfcmt.SfcmtError, match=message) as caught:
        transferred(tmp_path / "store", **changes)
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "store" / "stages").exists()


def test_a_module_of_another_size_is_refused_before_the_images_are_read(tmp_path: Path) -> None:
    flat = nn.Sequential(nn.Flatten(), nn.Linear(3 * 28 * 28, 3))
    source = sfcmt.SourceModel.from_module(flat, CLASSES, size=SIZE)
    with pytest.raises(sfcmt.SfcmtError, match=re.escape("cannot be tapped at 32 pixels (mat1 and mat2 shapes")):
        transferred(tmp_path / "store", source)
    assert not (tmp_path / "store").exists()


def test_classes_of_another_task_are_refused(api_store: Path) -> None:
    class Other(TensorDataset):
        classes = ("across", "up")

    target = Other(torch.from_numpy(images().target), torch.tensor([0, 1] * 9))
    with pytest.raises(sfcmt.SfcmtError, match="its classes up are none of the model's: across, down, centre"):
        transferred(api_store, target=target, seal_labels=True)


def test_verbose_tells_epochs_and_a_callback_hears_of_them(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    recorder = Recorder()
    result = transferred(Path("here"), verbose=True, callback=recorder)
    assert recorder.epochs == [("transfer", 1)]
    assert "shot (seed 0): epoch 1/1: " in capsys.readouterr().err
    monkeypatch.chdir("/")
    assert np.isfinite([*result.scores.values()]).all()


def test_other_processes_are_refused_before_training(api_store: Path, tmp_path: Path) -> None:
    experiment = transferred(api_store).experiment
    comparison = sfcmt.Comparison(experiment, ["source_only", "shot"], [1, 2])
    with pytest.raises(sfcmt.SfcmtError, match=r"^module:Custom-\w+: only the process that was given this model"):
        comparison.train(Callback(), jobs=2)
    grouped = experiment.runtime.model_copy(update={"workers": 2})
    comparison = sfcmt.Comparison(experiment.model_copy(update={"runtime": grouped}), ["shot"], [1])
    with pytest.raises(sfcmt.SfcmtError, match=r"others need a function that returns it: python:package.module:"):
        comparison.train(Callback())


def test_a_search_is_refused_before_it_begins(api_store: Path, tmp_path: Path) -> None:
    import yaml

    experiment = transferred(api_store).experiment.model_dump(mode="json")
    (tmp_path / "experiment.yaml").write_text(yaml.safe_dump(experiment))
    search = {
        "experiment": str(tmp_path / "experiment.yaml"),
        "space": {"transfer.lr": {"log": [1e-4, 1e-3]}},
        "objective": {"validator": "infomax"},
        "pick": {"validator": "ensv"},
        "search": {"trials": 2},
    }
    (tmp_path / "search.yaml").write_text(yaml.safe_dump(search))
    with pytest.raises(sfcmt.SfcmtError, match="only the process that was given this model has it"):
        sfcmt.Study.of("search", sfcmt.load_search(str(tmp_path / "search.yaml")))
