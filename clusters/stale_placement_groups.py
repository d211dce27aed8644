"""Resources of groups whose controller was killed. Ray keeps them until the job ends; a search may last for days.

Ray Train has a remover of its own, which we leave out: it asks the dashboard of whatever cluster it finds first on the
machine, takes a controller that this one does not know for dead, and removes the resources of groups that are alive.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import ray
from ray._private.state import state
from ray._raylet import ActorID, PlacementGroupID
from ray.core.generated.gcs_pb2 import PlacementGroupTableData
from ray.util.placement_group import PlacementGroup, remove_placement_group

_SECONDS = 2.0


@contextmanager
def removing_stale_groups() -> Iterator[None]:
    """Removes this job's orphans while the block runs."""
    stop = threading.Event()

    def sweep() -> None:
        while not stop.wait(_SECONDS):
            remove_stale_groups()

    thread = threading.Thread(target=sweep, daemon=True, name="orphans")
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def remove_stale_groups() -> None:
    """Remove the placement groups of this job that were made by an actor that is dead."""
    for row in state._connect_and_get_accessor().get_placement_group_table():
        group = PlacementGroupTableData.FromString(row)
        if group.state != PlacementGroupTableData.REMOVED and _is_stale(group):
            remove_placement_group(PlacementGroup(PlacementGroupID(group.placement_group_id)))


def _is_stale(group: PlacementGroupTableData) -> bool:
    made_by_actor = not ActorID(group.creator_actor_id).is_nil()
    is_ours = group.creator_job_id.hex() == ray.get_runtime_context().get_job_id()
    return made_by_actor and is_ours and bool(group.creator_actor_dead) and not group.is_detached
