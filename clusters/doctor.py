"""The doctor: looks at this machine, and at a cluster, before a search finds out the hard way.

A cluster is looked at by a driver inside it. From outside, the doctor submits itself as a job, which thus has the
files, the variables and the packages of every other job that is submitted from here.
"""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path

from rich.table import Table

from sfcmt.clusters.checks.finding import Finding, judged
from sfcmt.clusters.checks.garbage import garbage_finding
from sfcmt.clusters.checks.judging import machine_findings
from sfcmt.clusters.checks.machine import examine, mlflow_problem
from sfcmt.clusters.checks.settings import dashboard_finding, packing_finding, pickle_finding, token_finding
from sfcmt.clusters.connection import DEFAULT_ADDRESS, ClusterError, connect, plain_errors, use_token
from sfcmt.clusters.persistence import TRACKING, in_job, is_persistent, tracking_lasts
from sfcmt.clusters.reachability import ray_folder, require_cluster, temporary_problem
from sfcmt.storage import absolute_store

_OPENING = '{"findings"'
_OWN_DATABASE = "sqlite:///mlflow.db"


def diagnose(address: str | None, store: str | None) -> Iterator[Finding]:
    """Look at this machine and, if there is an address, at that cluster; in a job, at the job's cluster."""
    tracking = os.environ.get("MLFLOW_TRACKING_URI", _OWN_DATABASE)
    place = store or os.environ.get("SFCMT_STORE", "sfcmt-store")
    use_token()
    if in_job():
        yield from _inside(None, place, tracking)
        return
    yield from machine_findings(examine("here", place, tracking))
    remedy = "set RAY_TMPDIR to a short path that can be written"
    yield judged("here", "Ray's folder", temporary_problem(), remedy, str(ray_folder()))
    yield garbage_finding(place)
    yield token_finding()
    yield pickle_finding()
    yield packing_finding(Path.cwd())
    if address is None:
        yield dashboard_finding(DEFAULT_ADDRESS, expected=False, where="here")
    elif address.startswith(("http://", "https://")):
        yield from _by_job(address, store)
    else:
        yield from _inside(address, place, tracking)


def _inside(address: str | None, store: str, tracking: str) -> Iterator[Finding]:
    """What a driver in the cluster finds."""
    import ray

    from sfcmt.clusters.checks.nodes import cluster_findings

    if in_job():
        yield from _lasting_findings(store, tracking)
        yield garbage_finding(store, "job")
    seen_by_all = tracking if tracking.startswith(("http://", "https://")) else ""  # only the driver writes to others
    try:
        require_cluster(address or os.environ.get("RAY_ADDRESS", "auto"))
        context = ray.init(address=address, logging_level=logging.ERROR, log_to_driver=False)
        try:
            if context.dashboard_url:
                yield dashboard_finding(f"http://{context.dashboard_url}", expected=True)
            yield from cluster_findings(absolute_store(store), seen_by_all)
        finally:
            ray.shutdown()
    except ClusterError as error:
        says, _, remedy = str(error).rpartition("; ")
        yield Finding("cluster", "connection", says, remedy)
    except (OSError, ray.exceptions.RayError, RuntimeError) as error:
        yield Finding("cluster", "connection", str(error).splitlines()[0], "give the address of a cluster that runs")


def _lasting_findings(store: str, tracking: str) -> Iterator[Finding]:
    """Whether what a job writes outlives it."""
    problem = None if is_persistent(store) else f"{store!r} is in the job's own folder, and goes with it"
    remedy = "set SFCMT_STORE to an absolute path that all nodes share, or to a URI"
    yield judged("job", "store", problem, remedy, "outlives the job")
    given = None if tracking == _OWN_DATABASE else tracking
    lost = f"{TRACKING} is {given or 'unset'}: the runs would be in the job's own folder"
    problem = (mlflow_problem(given) if given else None) if tracking_lasts(store, given) else lost
    yield judged("job", "MLflow", problem, f"start an MLflow server, and set {TRACKING}", "outlives the job")


def _by_job(address: str, store: str | None) -> Iterator[Finding]:
    """What the doctor finds when it is submitted from here."""
    from sfcmt.clusters.jobs import wait
    from sfcmt.clusters.submit import Submission, passed_on, submit_or_join

    command = ("doctor", "--json", *(("--store", store) if store else ()))
    try:
        client = connect(address)
        job_id, _ = submit_or_join(client, Submission(command, Path.cwd(), passed_on()))
        job = wait(client, job_id)
        with plain_errors(address):
            lines = [line for line in client.get_job_logs(job_id).splitlines() if line.startswith(_OPENING)]
        if not lines:
            reason = " ".join(str(job.message).split())[-200:]
            raise ClusterError(f"the doctor's job found nothing out: {reason}; see: sfcmt job logs {job_id}")
        yield from (Finding(**one) for one in json.loads(lines[-1])["findings"])
    except ClusterError as error:
        says, _, remedy = str(error).rpartition("; ")  # "what is wrong; what to do"
        yield Finding("cluster", "connection", says, remedy)


def as_json(findings: Sequence[Finding]) -> str:
    """The findings in one line."""
    return json.dumps({"findings": [asdict(finding) for finding in findings]})


def table_of(findings: Sequence[Finding]) -> Table:
    """The findings for people; below each problem, what to do."""
    table = Table("", "where", "check", "found", box=None, pad_edge=False)
    for finding in findings:
        remedy = "" if finding.is_well else f"\n-> {finding.remedy}"
        table.add_row("ok" if finding.is_well else "!!", finding.where, finding.check, finding.says + remedy)
    return table
