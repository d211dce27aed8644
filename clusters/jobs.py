"""Jobs that were submitted: following one, stopping one, and what became of it."""

from __future__ import annotations

import asyncio
import os
import sys
import time
from typing import TYPE_CHECKING

from sfcmt.clusters.connection import ClusterError, plain_errors
from sfcmt.clusters.submit import ENTRYPOINT

if TYPE_CHECKING:
    from ray.job_submission import JobDetails, JobSubmissionClient

PAUSED = os.EX_TEMPFAIL  # the exit code of a paused search


def submitted_jobs(client: JobSubmissionClient) -> list[JobDetails]:
    """All jobs that were submitted, the newest first."""
    with plain_errors(client.get_address()):
        jobs = [job for job in client.list_jobs() if job.submission_id]
    return sorted(jobs, key=lambda job: job.start_time or 0, reverse=True)


def find_job(client: JobSubmissionClient, job_id: str) -> JobDetails:
    """The job of an id. Raises `ClusterError` that names the newest ids if there is none."""
    jobs = submitted_jobs(client)
    for job in jobs:
        if job.submission_id == job_id:
            return job
    known = ", ".join(str(job.submission_id) for job in jobs[:5]) or "none"
    raise ClusterError(f"job: {job_id!r} is not there; the newest are: {known}")


def follow(client: JobSubmissionClient, job_id: str) -> JobDetails:
    """Print a job's log from its start until the job ends; what became of it. Raises `ClusterError` if cut off."""

    async def print_log() -> None:
        async for lines in client.tail_job_logs(job_id):
            sys.stdout.write(lines)
            sys.stdout.flush()

    with plain_errors(client.get_address()):
        asyncio.run(print_log())
    job = find_job(client, job_id)
    if not job.status.is_terminal():
        raise ClusterError(f"job {job_id}: its log broke off, the job has not; see: sfcmt job logs {job_id} --follow")
    return job


def stop(client: JobSubmissionClient, job_id: str) -> JobDetails:
    """Ask a job to end, and wait until it has. A search pauses; what has ended already is left alone."""
    if not find_job(client, job_id).status.is_terminal():
        with plain_errors(client.get_address()):
            client.stop_job(job_id)
    return wait(client, job_id)


def wait(client: JobSubmissionClient, job_id: str) -> JobDetails:
    """Wait until a job has ended; what became of it."""
    with plain_errors(client.get_address()):
        while not (job := client.get_job_info(job_id)).status.is_terminal():
            time.sleep(0.3)
        return job


def exit_code(job: JobDetails) -> int:
    """The exit code of an ended job's command; a stopped one is paused."""
    if job.status == "SUCCEEDED":
        return 0
    if job.status == "STOPPED":
        return PAUSED
    code = job.driver_exit_code or 1
    return code if code > 0 else 128 - code  # killed by a signal


def ending(job: JobDetails) -> str:
    """What became of an ended job, and what to do about it, in a line."""
    code, again = exit_code(job), job.entrypoint.removeprefix(f"{ENTRYPOINT} ")
    if code == 0:
        return f"{job.submission_id}: done"
    if code == PAUSED:
        return f"{job.submission_id}: paused; it goes on with: sfcmt submit -- {again}"
    if job.driver_exit_code is None:
        reason = " ".join(str(job.message).split())
        return f"{job.submission_id}: did not start or was lost: {reason}"
    return f"{job.submission_id}: failed with exit code {code}; its log says why: sfcmt job logs {job.submission_id}"
