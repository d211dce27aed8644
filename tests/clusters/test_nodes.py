"""Searches on several nodes, of which one is lost."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from ray.cluster_utils import Cluster

from tests.clusters.test_search_groups import workplace
from tests.patience import PATIENCE
from tests.reading import read_until
from tests.tuning.search.test_end_to_end import Workplace

pytestmark = [pytest.mark.slow, pytest.mark.long, pytest.mark.xdist_group("ray")]

TRIALS = 2
LONGER = {"search": {"trials": TRIALS, "startup": 100}, "set": ["transfer.epochs=10"], "scheduler": {}}


@contextmanager
def nodes(head_cpus: int, *cpus: int) -> Iterator[tuple[Cluster, list[object]]]:
    """A cluster of a head and nodes with so many CPUs."""
    head = {"num_cpus": head_cpus, "include_dashboard": False}
    cluster = Cluster(initialize_head=True, head_node_args=head)
    try:
        yield cluster, [cluster.add_node(num_cpus=each) for each in cpus]
    finally:
        cluster.shutdown()


def assert_survives(place: Workplace, cluster: Cluster, lost: object) -> None:
    """Run a search whose trials are all running when a node is lost."""
    process = place.start()
    read_until(process.stderr, f"trial {TRIALS - 1}: started")
    cluster.remove_node(lost, allow_graceful=False)
    out, error = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0, out + error
    trials = place.trials()
    assert [state for _, state, *_ in trials] == ["COMPLETE"] * TRIALS
    assert [number for number, *_ in trials] == list(range(TRIALS))
    assert len(place.runs()) == TRIALS + 1


def test_a_lost_node_loses_no_trial(tiny_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each node has room for one trial. Groups that lose a node: `test_a_lost_node_loses_no_trial_of_a_group`."""
    with nodes(1, 1) as (cluster, (lost,)):
        monkeypatch.setenv("RAY_ADDRESS", cluster.address)
        place = workplace(tmp_path / "place", tiny_data, **LONGER)
        assert_survives(place, cluster, lost)


def test_a_lost_node_loses_no_trial_of_a_group(
    tiny_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The head only leads, and each of two nodes has room for a group of two."""
    with nodes(0, 2, 2) as (cluster, (lost, _)):
        monkeypatch.setenv("RAY_ADDRESS", cluster.address)
        place = workplace(tmp_path / "place", tiny_data, resources={"workers": 2}, **LONGER)
        assert_survives(place, cluster, lost)
