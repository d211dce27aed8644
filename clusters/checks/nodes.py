"""Looking at a cluster from a driver in it: an actor on each living node reports what that node has."""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import ray
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from sfcmt.clusters.checks.finding import Finding
from sfcmt.clusters.checks.judging import agreement_findings, clock_finding, machine_findings
from sfcmt.clusters.checks.machine import MachineReport, examine, nearest_folder
from sfcmt.storage import is_remote, local_folder

_SECONDS = 90.0
_PINGS = 3
_DRAINED = (1, 4)  # reasons of a node's death: it was ended, or was idle


def cluster_findings(store: str, tracking: str) -> Iterator[Finding]:
    """Judge all nodes of the cluster that Ray is connected to."""
    nodes = sorted(ray.nodes(), key=lambda node: str(node["NodeID"]))
    yield from dead_findings(nodes)
    with marker_beside(store) as marker:
        examiners = {_name(node): _start(node["NodeID"]) for node in nodes if node["Alive"]}
        tasks = {name: one.examine.remote(name, store, tracking, marker) for name, one in examiners.items()}
        reports: list[MachineReport] = []
        for name, task in tasks.items():
            try:
                reports.append(ray.get(task, timeout=_SECONDS))
                yield from machine_findings(reports[-1])
                yield clock_finding(name, *_read_clock(examiners[name]))
            except ray.exceptions.RayError as error:
                reason = str(error).strip().splitlines()[-1]
                yield Finding(name, "report", f"it gives none: {reason}", "see its log, or start it anew")
    yield from agreement_findings(reports)


def dead_findings(nodes: list[dict[str, Any]]) -> Iterator[Finding]:
    """Nodes that were lost."""
    for node in nodes:
        if not node["Alive"] and node.get("DeathReason") not in _DRAINED:
            says = f"dead: {node.get('DeathReasonMessage') or 'nobody knows why'}"
            yield Finding(_name(node), "alive", says, "start it anew, or leave it: what ran there goes on elsewhere")


@contextmanager
def marker_beside(store: str) -> Iterator[Path | None]:
    """A file in the store, or where it will be, by which others tell whether theirs is the same; none for a URI."""
    if is_remote(store):
        yield None
        return
    marker = nearest_folder(local_folder(store)) / f".sfcmt-doctor-{uuid.uuid4().hex}"
    try:
        marker.touch()
    except OSError:
        yield None  # the report says so
        return
    try:
        yield marker
    finally:
        marker.unlink()


class _Examiner:
    """Lives on the node that it looks at."""

    def examine(self, name: str, store: str, tracking: str, marker: Path | None) -> MachineReport:
        return examine(name, store, tracking, marker)

    def clock(self) -> float:
        return time.time()


def _start(node_id: str) -> Any:
    """An examiner on a node, whatever else runs there."""
    pinned = NodeAffinitySchedulingStrategy(node_id, soft=False)
    return ray.remote(num_cpus=0)(_Examiner).options(scheduling_strategy=pinned).remote()


def _read_clock(examiner: Any) -> tuple[float, float, float]:
    """Send and receive times here and the time between there, of the quickest of some calls."""
    readings = []
    for _ in range(_PINGS):
        sent = time.time()
        seen = ray.get(examiner.clock.remote(), timeout=_SECONDS)
        readings.append((sent, seen, time.time()))
    return min(readings, key=lambda reading: reading[2] - reading[0])


def _name(node: dict[str, Any]) -> str:
    return f"{node['NodeManagerAddress']}/{node['NodeID'][:6]}"
