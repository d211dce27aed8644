"""What a killed actor leaves behind, and who else's is left alone."""

from __future__ import annotations

from typing import Any

import pytest
import ray
from ray.util.placement_group import PlacementGroup, placement_group, remove_placement_group

from sfcmt.clusters.stale_placement_groups import remove_stale_groups, removing_stale_groups
from tests.ray_cluster import free_cpus, wait_until

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("ray")]


class Maker:
    """Reserves a CPU, as the controller of a group does."""

    def make(self) -> PlacementGroup:
        self._group = placement_group([{"CPU": 1}])
        ray.get(self._group.ready())
        return self._group


def new_maker() -> Any:
    return ray.remote(num_cpus=0)(Maker).remote()


def test_only_what_a_dead_actor_made_is_removed(four_cpus: None) -> None:
    own = placement_group([{"CPU": 1}])
    ray.get(own.ready())
    dead, alive = new_maker(), new_maker()
    kept = ray.get([dead.make.remote(), alive.make.remote()])[1]
    assert wait_until(lambda: free_cpus() == 1, 5)
    ray.kill(dead)
    assert not wait_until(lambda: free_cpus() != 1, 2)  # Ray lets it be
    remove_stale_groups()
    assert wait_until(lambda: free_cpus() == 2, 5)
    remove_stale_groups()
    assert not wait_until(lambda: free_cpus() != 2, 1)
    remove_placement_group(own)
    remove_placement_group(kept)
    assert wait_until(lambda: free_cpus() == 4, 5)


def test_orphans_are_removed_in_the_background(four_cpus: None) -> None:
    maker = new_maker()
    ray.get(maker.make.remote())
    with removing_stale_groups():
        ray.kill(maker)
        assert wait_until(lambda: free_cpus() == 4, 10)
