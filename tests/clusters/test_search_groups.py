"""Searches whose trials are trained by groups of two workers, on four logical CPUs."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
import ray

from tests.ray_cluster import CPUS, free_cpus, wait_until
from tests.tuning.search.test_end_to_end import LEAN, Workplace

pytestmark = [pytest.mark.slow, pytest.mark.long, pytest.mark.xdist_group("ray")]

STOPPED = int(os.environ.get("SFCMT_TEST_STOPPED", "20"))
"""Trials that are to be stopped early, to look for what they leave behind."""


def workplace(folder: Path, data: Path, **changes: Any) -> Workplace:
    """A search without anchors, which judges by one validator."""
    return Workplace(folder, data, LEAN | changes)


def test_groups_find_the_winner_that_single_workers_find(tiny_data: Path, tmp_path: Path, cluster: str) -> None:
    alone = workplace(tmp_path / "alone", tiny_data)
    pairs = workplace(tmp_path / "pairs", tiny_data, resources={"workers": 2, "concurrent": 1})
    assert pairs.finish()["winner"] == alone.finish()["winner"]
    for (number, state, values, seen, _), (*expected, expected_seen, _) in zip(
        pairs.trials(), alone.trials(), strict=True
    ):
        assert [number, state, values] == expected
        assert seen == pytest.approx(expected_seen, abs=0.02)
    assert "PRUNED" in [state for _, state, *_ in pairs.trials()]
    assert_nothing_is_left()


def test_trials_that_are_stopped_leave_nothing_behind(tiny_data: Path, tmp_path: Path, cluster: str) -> None:
    search = {"trials": 2 * STOPPED, "sampler": "random"}
    place = workplace(
        tmp_path / "place",
        tiny_data,
        space={"transfer.lr": {"log": [1e-6, 1e-3]}},
        search=search,
        scheduler={"asha": {"grace": 1, "reduction": 3}},
        resources={"workers": 2},
    )
    place.finish()
    states = [state for _, state, *_ in place.trials()]
    assert states.count("PRUNED") >= STOPPED
    assert set(states) == {"PRUNED", "COMPLETE"}
    assert_nothing_is_left()


def assert_nothing_is_left() -> None:
    assert wait_until(lambda: free_cpus() == CPUS, 10)
    assert {group["state"] for group in ray.util.placement_group_table().values()} <= {"REMOVED"}
