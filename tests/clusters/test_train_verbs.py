"""`sfcmt run` and `sfcmt compare` as users run them with several workers or within a cluster's job."""

from __future__ import annotations

import json
import signal
from pathlib import Path

import pytest

from tests.patience import PATIENCE
from tests.ray_cluster import free_cpus, wait_until
from tests.reading import read_until
from tests.tuning.search.test_end_to_end import Workplace

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("ray")]


@pytest.mark.long
def test_one_word_makes_a_run_use_two_workers(tiny_data: Path, tmp_path: Path) -> None:
    place = Workplace(tmp_path / "place", tiny_data)
    pair = place.start("run", "tiny.yaml", "runtime.workers=2", "runtime.cpus_per_worker=0.5", "--verbose", "--json")
    told, error = pair.communicate(timeout=PATIENCE)
    assert pair.returncode == 0, error
    assert [line for line in error.splitlines() if line.startswith("tgkt (seed 0): epoch 3/3: target_distillation ")]
    alone = place.start("run", "tiny.yaml", "--json")
    again, error = alone.communicate(timeout=PATIENCE)
    assert alone.returncode == 0, error
    assert json.loads(told.splitlines()[-1])["trained"] == 4
    assert json.loads(again.splitlines()[-1])["trained"] == 0


@pytest.mark.long
def test_a_terminated_comparison_goes_on_with_the_same_command(tiny_data: Path, tmp_path: Path, cluster: str) -> None:
    place = Workplace(tmp_path / "place", tiny_data)
    command = ("compare", "tiny.yaml", "transfer.epochs=10", "--methods", "source_only,tgkt", "--seeds", "1", "-v")
    process = place.start(*command, "--json")
    read_until(process.stderr, "tgkt (seed 0): epoch 3/10: ")
    process.send_signal(signal.SIGTERM)
    _, error = process.communicate(timeout=PATIENCE)
    assert process.returncode == 130
    assert "the same command goes on" in error
    assert wait_until(lambda: free_cpus() == 4, 10)
    process = place.start(*command, "--json")
    out, error = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0, error
    summary = json.loads(out.splitlines()[-1])
    assert summary["trained"] + summary["found"] == 5
    assert "tgkt (seed 0): epoch 10/10: " in error
    assert "tgkt (seed 0): epoch 1/10: " not in error
    assert len(list((place.folder / "store" / "stages").iterdir())) == 5
    assert not list((place.folder / "store" / "partial").iterdir())
