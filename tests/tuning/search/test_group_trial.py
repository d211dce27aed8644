"""Running a function from report to report."""

from __future__ import annotations

from typing import Any

import pytest

from sfcmt.tuning.search.group_trial import Steps
from sfcmt.tuning.search.trial import Report


class Work:
    """Reports two numbers and returns a third; notes whether it came to its end."""

    def __init__(self) -> None:
        self.reached: list[int] = []

    def __call__(self, report: Report) -> dict[str, Any]:
        for number in (1, 2):
            self.reached.append(number)
            report({"number": number})
        self.reached.append(3)
        return {"number": 3}


def test_each_step_goes_on_to_the_next_report_and_no_further() -> None:
    work = Work()
    steps = Steps(work)
    assert work.reached == []
    for number in (1, 2, 3):
        assert steps.next() == {"number": number}
        assert work.reached == list(range(1, number + 1))
    steps.stop()


@pytest.mark.parametrize("taken", [0, 1, 2])
def test_a_stop_ends_the_function_at_the_report_it_waits_in(taken: int) -> None:
    work = Work()
    steps = Steps(work)
    for _ in range(taken):
        steps.next()
    steps.stop()
    assert work.reached == list(range(1, taken + 1))
    assert not steps._thread.is_alive()


def test_what_the_function_raises_is_raised() -> None:
    def fail(report: Report) -> dict[str, Any]:
        raise LookupError("no such thing")

    with pytest.raises(LookupError, match=r"no such thing"):
        Steps(fail).next()
