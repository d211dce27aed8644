"""Stages in several processes of this machine, and what happens when one of these does not come back."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from sfcmt.callbacks import Callback
from sfcmt.data.dataset import Dataset
from sfcmt.errors import DataError
from sfcmt.stages.transfer import TransferStage
from sfcmt.store import Store
from tests.tiny import Recorder, tiny_experiment
from tuning.comparison import Comparison
from tuning.parallel import obtain_all


def test_what_a_found_stage_stood_on_is_not_asked_for(trained: Comparison, tmp_path: Path) -> None:
    shutil.copytree(
        trained.store.root / "stages", tmp_path / "stages", ignore=shutil.ignore_patterns("source-*", "bridge-*")
    )
    comparison = Comparison(
        tiny_experiment(trained.dataset.folder, tmp_path), ["source_only", "tgkt"], [0, 1], oracles=False
    )
    recorder = Recorder()
    obtain_all(comparison.transfers, comparison.store, recorder, jobs=2)
    assert recorder.ended == [("transfer", True)] * 4


@pytest.mark.slow
def test_an_error_of_a_process_is_the_commands_own(tiny_data: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(tiny_data, tmp_path / "data"))
    (folder / "source.parquet").unlink()
    stage = TransferStage(tiny_experiment(folder, tmp_path / "store"), Dataset(folder), 0)
    with pytest.raises(DataError, match=r"source\.parquet: missing"):
        obtain_all([stage], Store(tmp_path / "store"), Callback(), jobs=2)
