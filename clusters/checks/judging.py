"""Judging the reports of machines: each by itself, and whether they agree."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence

from sfcmt.clusters.checks.finding import Finding, judged
from sfcmt.clusters.checks.machine import MachineReport

LEAST_DISK, LEAST_MEMORY = 5.0, 2.0  # GiB: a store with some trials; a worker with its data
MOST_SKEW = 1.0  # seconds
_SHARING = {
    True: "NVIDIA's MPS runs: they compute side by side",
    False: "they take turns; `nvidia-cuda-mps-control -d` before `ray start` lets them compute side by side",
    None: "they take turns; NVIDIA's MPS, which lets them compute side by side, is not installed",
}


def machine_findings(report: MachineReport) -> Iterator[Finding]:
    """What there is to say of one machine."""
    where, versions = report.machine, ", ".join(f"{name} {number}" for name, number in report.versions.items())
    yield judged(where, "packages", "; ".join(report.unmet), "pip install -c constraints.txt 'sfcmt[tuning]'", versions)
    yield _gpu_finding(report)
    if report.gpus:
        yield Finding(where, "several trials on one GPU", _SHARING[report.mps])
    yield judged(where, "torchvision", report.torchvision, "install the torchvision that sfcmt asks for")
    for folder, free in report.free_disk.items():
        problem = f"{folder}: {free:.1f} GiB free" if free < LEAST_DISK else None
        yield judged(where, "disk", problem, f"free {LEAST_DISK:g} GiB", f"{folder}: {free:.1f} GiB free")
    if report.free_memory is not None:
        said = f"{report.free_memory:.1f} GiB free"
        problem = said if report.free_memory < LEAST_MEMORY else None
        remedy = f"run fewer trials at a time; one takes about {LEAST_MEMORY:g} GiB"
        yield judged(where, "memory", problem, remedy, said)
    remedy = "set SFCMT_STORE to a folder that all nodes share, or to an object store such as s3://BUCKET/PREFIX"
    yield judged(where, "store", report.store, remedy)
    if report.tracking:
        remedy = "start the server, or set MLFLOW_TRACKING_URI to one that runs"
        yield judged(where, "MLflow", report.mlflow, remedy, f"{report.tracking}: reachable")


def agreement_findings(reports: Sequence[MachineReport]) -> Iterator[Finding]:
    """Whether all nodes have the same software; results may differ otherwise, or workers fail to start."""
    problems = []
    for name in dict.fromkeys(name for report in reports for name in report.versions):
        machines: defaultdict[str, list[str]] = defaultdict(list)
        for report in reports:
            machines[report.versions.get(name, "missing")].append(report.machine)
        if len(machines) > 1:
            problems.append(f"{name}: " + ", ".join(f"{one} on {' and '.join(on)}" for one, on in machines.items()))
    builds = {report.cuda for report in reports if report.gpus}
    if len(builds) > 1:
        problems.append(f"torch is built for CUDA {', '.join(sorted(map(str, builds)))}")
    yield judged("cluster", "same software", "; ".join(problems), "start all nodes from one image")


def clock_finding(machine: str, sent: float, seen: float, received: float) -> Finding:
    """Judge a node's clock, which read `seen` between `sent` and `received` of the driver's (all in seconds)."""
    skew, uncertain = seen - (sent + received) / 2, (received - sent) / 2
    said = f"{skew:+.2f} s against the driver, within {uncertain:.2f} s"
    problem = said if abs(skew) - uncertain > MOST_SKEW else None
    return judged(machine, "clock", problem, "have NTP or chrony set the clock", said)


def _gpu_finding(report: MachineReport) -> Finding:
    problem = f"{len(report.gpus)} GPU(s), and torch is built without CUDA" if report.gpus and not report.cuda else None
    well = f"{', '.join(report.gpus)}; torch for CUDA {report.cuda}" if report.gpus else "none"
    return judged(report.machine, "GPU", problem, "install torch for CUDA (pytorch.org says how)", well)
