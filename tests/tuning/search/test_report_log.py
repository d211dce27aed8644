"""The report_log of reports."""

from __future__ import annotations

import math
import pickle
from pathlib import Path
from types import SimpleNamespace

from sfcmt.tuning.search.ray_bridge import METRICS, NUMBER, OBJECTIVES, STEP, TIME
from sfcmt.tuning.search.report_log import Report, ReportLog, ReportLogReader


def write(report_log: ReportLog, *reports: Report) -> None:
    for number, step, seconds, metrics in reports:
        trial = SimpleNamespace(config={NUMBER: number})
        report_log.on_trial_result(0, [], trial, {STEP: step, TIME: seconds, METRICS: metrics})


FIRST, SECOND = Report(0, 1, 5.5, {"transfer/kl": 0.25}), Report(1, 1, 6.0, {"transfer/kl": 0.5, "validator/snd": 1.0})


def test_each_report_is_read_once_whoever_wrote_it(tmp_path: Path) -> None:
    ours, theirs, reader = ReportLog(tmp_path, "a"), ReportLog(tmp_path, "b"), ReportLogReader(tmp_path)
    write(ours, FIRST)
    assert list(reader.new()) == [FIRST]
    write(theirs, SECOND)
    assert list(reader.new()) == [SECOND]
    assert list(reader.new()) == []
    assert list(ReportLogReader(tmp_path).new()) == [FIRST, SECOND]


def test_a_report_that_is_made_again_is_read_once_with_its_first_time(tmp_path: Path) -> None:
    again = FIRST._replace(time=9.0)
    for driver, report in (("b", FIRST), ("a", again)):
        write(ReportLog(tmp_path, driver), report)
    reader = ReportLogReader(tmp_path)
    assert list(reader.new()) == [FIRST]
    write(ReportLog(tmp_path, "c"), again, SECOND)
    assert list(reader.new()) == [SECOND]


def test_a_report_that_is_no_epoch_is_none(tmp_path: Path) -> None:
    ReportLog(tmp_path, "a").on_trial_result(0, [], SimpleNamespace(config={NUMBER: 0}), {OBJECTIVES: [1.0]})
    assert list(ReportLogReader(tmp_path).new()) == []


def test_an_unfinished_line_waits_and_a_torn_one_is_passed_over(tmp_path: Path) -> None:
    for epoch in range(3):
        write(ReportLog(tmp_path, "whole"), FIRST._replace(step=epoch))
    path, reader = tmp_path / "torn.jsonl", ReportLogReader(tmp_path)
    first, second, third = (tmp_path / "whole.jsonl").read_bytes().splitlines(keepends=True)
    (tmp_path / "whole.jsonl").unlink()
    for content, steps in (
        (first + second[:9], [0]),
        (first + second, [1]),
        (first + second + first[:9] + b"\n" + third, [2]),
    ):
        path.write_bytes(content)
        assert [report.step for report in reader.new()] == steps


def test_what_is_no_number_comes_through(tmp_path: Path) -> None:
    write(ReportLog(tmp_path, "a"), Report(0, 1, 0.0, {"transfer/kl": math.nan}))
    (found,) = ReportLogReader(tmp_path).new()
    assert math.isnan(found.metrics["transfer/kl"])


def test_ray_can_pickle_it(tmp_path: Path) -> None:
    pickle.loads(pickle.dumps(ReportLog(tmp_path, "a")))
