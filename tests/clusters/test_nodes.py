"""Searches with groups on three nodes: a head that only leads, and two of two CPUs each, of which one is lost."""

from __future__ import annotations

from pathlib import Path

import pytest
from ray.cluster_utils import Cluster

from tests.clusters.test_search_groups import workplace
from tests.patience import PATIENCE
from tests.tuning.search.test_end_to_end import _read_until

pytestmark = pytest.mark.slow

TRIALS = 2


def test_a_lost_node_loses_no_trial(tiny_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    node = {"num_cpus": 2}
    head = {"num_cpus": 0, "include_dashboard": True, "dashboard_port": 0}
    cluster = Cluster(initialize_head=True, head_node_args=head)
    nodes = [cluster.add_node(**node) for _ in range(2)]
    monkeypatch.setenv("RAY_ADDRESS", cluster.address)
    search = {"trials": TRIALS, "startup": 100}
    longer = {"set": ["transfer.epochs=10"], "scheduler": {}}
    place = workplace(tmp_path / "place", tiny_data, search=search, resources={"workers": 2}, **longer)
    process = place.start()
    assert process.stdout is not None
    _read_until(process.stdout, f"trial {TRIALS - 1}: started")
    cluster.remove_node(nodes[0], allow_graceful=False)
    out, error = process.communicate(timeout=PATIENCE)
    cluster.shutdown()
    assert process.returncode == 0, out + error
    trials = place.trials()
    assert [state for _, state, *_ in trials] == ["COMPLETE"] * TRIALS
    assert [number for number, *_ in trials] == list(range(TRIALS))
    assert len(place.runs()) == TRIALS + 1
