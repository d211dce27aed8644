"""The experiments that are shipped."""

from __future__ import annotations

from pathlib import Path

import pytest

import sfcmt
from sfcmt.callbacks import Callback
from sfcmt.config import SourceConfig
from sfcmt.experiment import load_experiment, shipped_experiments
from sfcmt.tuning.comparison import Comparison

FILES = sorted((Path(sfcmt.__file__).parent / "experiments").glob("*.yaml"))


def test_all_files_are_shipped_under_their_names() -> None:
    assert shipped_experiments() == {path.stem: path for path in FILES}
    assert "demo" in shipped_experiments()


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_each_is_valid_and_begins_with_its_command(path: Path) -> None:
    experiment = load_experiment(path.stem)
    assert len(experiment.description) > 20
    comments = [line for line in path.read_text().splitlines() if line.startswith("#")]
    assert path.read_text().startswith("# sfcmt ")
    assert any(line.startswith(f"# sfcmt run {path.stem}") for line in comments)
    assert any(line.startswith(("# Measured", "# Expected")) for line in comments)
    assert any(line.startswith("# Time: ") for line in comments)


def test_the_demo_needs_nothing_from_elsewhere() -> None:
    experiment = load_experiment("demo")
    assert experiment.data.folder == "synthetic"
    assert isinstance(experiment.source, SourceConfig)
    assert not experiment.source.pretrained


def test_a_run_in_the_shape_of_the_demo(tiny_data: Path, tmp_path: Path) -> None:
    short = [f"{section}.epochs=1" for section in ("source", "bridge", "transfer")]
    overrides = [f"data={tiny_data}", f"runtime.store={tmp_path}", "runtime.threads=1", *short]
    experiment = load_experiment("demo", overrides)
    comparison = Comparison(experiment, ["source_only", experiment.method], [experiment.seed], oracles=True)
    comparison.train(Callback())
    assert {name for name, _ in comparison.scores()} == {
        "source_only",
        experiment.method,
        "oracle_supervised",
        "oracle_real_source",
    }
