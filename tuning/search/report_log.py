"""The report_log: every report of every trial, as a line on disk, until MLflow has it.

STUDY/reports/DRIVER.jsonl: one file for each driver, one line for each report. Appending one is all that a report costs
the search; the mirror reads on from where it was.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from ray import tune

from sfcmt.durable import append_whole, disk_errors
from sfcmt.json_lines import parse_line
from sfcmt.progress.lines import LOGGER
from sfcmt.tuning.search.ray_bridge import METRICS, NUMBER, STEP, TIME


class Report(NamedTuple):
    """One epoch of one trial. `time` is in seconds since 1970."""

    number: int
    step: int
    time: float
    metrics: dict[str, float]


class ReportLog(tune.Callback):  # type: ignore[misc]
    """Writes the reports of this driver."""

    def __init__(self, folder: Path, driver: str) -> None:
        self._file = folder / f"{driver}.jsonl"
        with disk_errors(folder):
            folder.mkdir(parents=True, exist_ok=True)

    def __getstate__(self) -> dict[str, object]:
        """Nothing: Ray Tune pickles its callbacks for a restore of its own, which is never used."""
        return {}

    def on_trial_result(
        self, iteration: int, trials: list[Any], trial: Any, result: dict[str, Any], **info: Any
    ) -> None:
        """Append one line. Raises `DiskError`."""
        if METRICS in result:
            report = Report(trial.config[NUMBER], result[STEP], result[TIME], result[METRICS])
            append_whole(self._file, json.dumps(report).encode() + b"\n")


class ReportLogReader:
    """Reads the reports of all drivers, each once: a trial that goes on reports its last epoch again."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._read: dict[Path, int] = {}
        self._reported: set[tuple[int, int, str]] = set()

    def new(self) -> Iterator[Report]:
        """Reports since the last call, the oldest first. Of a line that was torn, what is whole; it is told."""
        for report in sorted(self._lines(), key=lambda report: report.time):
            named = {(report.number, report.step, name) for name in report.metrics}
            if not named <= self._reported:
                self._reported |= named
                yield report

    def _lines(self) -> Iterator[Report]:
        for path in sorted(self._folder.glob("*.jsonl")):
            with path.open("rb") as file:
                file.seek(self._read.get(path, 0))
                whole, newline, _ = file.read().rpartition(b"\n")
            self._read[path] = self._read.get(path, 0) + len(whole) + len(newline)
            lines = [parse_line(line, _is_report) for line in whole.splitlines()]
            if damaged := sum(line.is_damaged for line in lines):
                LOGGER.warning(f"{path}: {damaged} damaged lines: the epochs that they told of are not in MLflow")
            yield from (Report(*record) for line in lines for record in line.records)


def _is_report(record: Any) -> bool:
    return isinstance(record, list) and len(record) == len(Report._fields) and isinstance(record[-1], dict)
