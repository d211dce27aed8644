"""How many CPUs are this process's own."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import torch

from sfcmt.callbacks import Callback
from sfcmt.config import Runtime
from sfcmt.cores import own_cores
from sfcmt.testing.tiny import recipe_of, tiny_experiment
from sfcmt.workspace import Workspace

AFFINE = len(os.sched_getaffinity(0))


@pytest.mark.parametrize(
    ("quota", "cores"),
    [
        ("100000 100000", 1),
        ("150000 100000", 1),
        ("5000 100000", 1),
        ("6400000 100000", AFFINE),
        ("max 100000", AFFINE),
    ],
)
def test_a_control_group_s_quota_is_kept_to(tmp_path: Path, quota: str, cores: int) -> None:
    (tmp_path / "cpu.max").write_text(f"{quota}\n")
    assert own_cores(tmp_path / "cpu.max") == cores
    assert own_cores(tmp_path / "none") == AFFINE


def test_a_process_has_no_more_threads_than_cores_unless_told(
    tiny_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sfcmt.workspace.own_cores", lambda: 2)
    recipe = recipe_of("source", tiny_experiment(tiny_data, tmp_path))
    before = torch.get_num_threads()
    try:
        for asked, found in ((None, 2), (3, 3)):
            torch.set_num_threads(8)
            _ = Workspace(recipe, tmp_path, tmp_path, [], Runtime(device="cpu", threads=asked), Callback()).device
            assert torch.get_num_threads() == found
    finally:
        torch.set_num_threads(before)


@pytest.mark.parametrize(("cpus", "threads", "found"), [(4, None, 4), (0.5, None, 1), (4, 2, 2)])
def test_a_worker_has_a_thread_for_each_cpu_that_it_takes(cpus: float, threads: int | None, found: int) -> None:
    assert Runtime(cpus_per_worker=cpus, threads=threads).worker_threads == found
