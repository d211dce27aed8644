"""Rounds of stages, and what happens when a process that trains does not come back."""

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
from tuning.parallel import obtain_all, rounds


def test_a_round_needs_only_the_rounds_before_it(tiny_data: Path, tmp_path: Path) -> None:
    experiment = tiny_experiment(tiny_data, tmp_path)
    comparison = Comparison(experiment, ["tgkt", "translator_only", "source_only"], [0, 1], oracles=True)
    found = rounds([*comparison.transfers, *comparison.oracles], comparison.store)
    names = [sorted(f"{stage.name} {stage.seed}" for stage in stages) for stages in found]
    assert names == [
        ["oracle_supervised 0", "oracle_supervised 1", "source 0", "source 1"],
        ["bridge 0", "bridge 1", "oracle_real_source 0", "oracle_real_source 1", "source_only 0", "source_only 1"],
        ["tgkt 0", "tgkt 1", "translator_only 0", "translator_only 1"],
    ]


def test_nothing_is_no_rounds(tmp_path: Path) -> None:
    assert rounds([], Store(tmp_path)) == []


def test_what_a_found_stage_stood_on_is_not_asked_for(trained: Comparison, tmp_path: Path) -> None:
    shutil.copytree(
        trained.store.root / "stages", tmp_path / "stages", ignore=shutil.ignore_patterns("source-*", "bridge-*")
    )
    comparison = Comparison(
        tiny_experiment(trained.dataset.folder, tmp_path), ["source_only", "tgkt"], [0, 1], oracles=False
    )
    assert rounds(comparison.transfers, comparison.store) == [comparison.transfers]
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
