"""Progress as a log sees it, and as a terminal does."""

from __future__ import annotations

from pathlib import Path

import pytest

from sfcmt.callbacks import Callback
from sfcmt.progress import ProgressBars, ProgressLines
from sfcmt.stages.stage import Stage
from sfcmt.store import Artifact, Store
from tests.tiny import tiny_experiment
from tuning.comparison import Comparison


def tell(callback: Callback, comparison: Comparison) -> None:
    """Two methods on one source model, as `Store.obtain` tells of them."""
    first, second = comparison.transfers
    source = first.upstream[0]
    callback.stage_started(source, 2)
    for epoch in (1, 2):
        callback.advanced(source, epoch)
        callback.epoch_ended(source, {"epoch": float(epoch), "cross_entropy": 0.5 / epoch}, lambda: None)
    for stage in (source, first, source, second):
        callback.stage_ended(stage, artifact_of(comparison.store, stage))


def artifact_of(store: Store, stage: Stage) -> Artifact:
    artifact = store.find(stage)
    assert artifact is not None
    return artifact


@pytest.fixture(scope="module")
def comparison(tiny_data: Path, tiny_store: Path) -> Comparison:
    found = Comparison(tiny_experiment(tiny_data, tiny_store), ["source_only", "bn_adapt"], [0], oracles=False)
    found.train(Callback())
    return found


def test_lines_tell_each_epoch_and_each_stage_once(comparison: Comparison, capsys: pytest.CaptureFixture[str]) -> None:
    with ProgressLines() as progress:
        tell(progress, comparison)
    out, error = capsys.readouterr()
    names = [path.name for path in (artifact_of(comparison.store, stage).path for stage in comparison.transfers)]
    lines = error.splitlines()
    assert out == ""
    assert lines[:2] == [f"source (seed 0): epoch {one}/2: cross_entropy {0.5 / one:.3f}" for one in (1, 2)]
    assert lines[2].startswith("source (seed 0): found, not trained again (source-")
    assert lines[3:] == [
        f"{method} (seed 0): found, not trained again ({name})"
        for method, name in zip(("source_only", "bn_adapt"), names, strict=True)
    ]


@pytest.mark.parametrize("width", [80, 120])
def test_bars_cut_nothing_short(
    comparison: Comparison, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, width: int
) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    with ProgressBars() as progress:
        tell(progress, comparison)
        row = {"epoch": 2.0, "reconstruction": 2.042, "domain": 0.069, "infomax": -0.001, "perceptual": 1.5}
        progress.epoch_ended(comparison.transfers[0].upstream[0], row, lambda: None)
    error = capsys.readouterr().err
    assert "…" not in error
    assert max(map(len, error.splitlines())) <= width + 40  # what was found is named on one line, however long
    words = error.split()
    assert {"reconstruction", "2.042", "domain", "0.069", "infomax", "-0.001", "perceptual", "1.500"} <= set(words)
