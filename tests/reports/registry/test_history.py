"""Lines of champions, read from events that are written by hand."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from sfcmt.errors import ConfigError
from sfcmt.reports.registry.alias import Alias
from sfcmt.reports.registry.events import Action, Event, Move
from sfcmt.reports.registry.history import champion_at, champions, holder, moment_of

START = datetime(2026, 11, 20, 12, tzinfo=UTC)


def events(*told: tuple[Action, Alias, str]) -> list[Event]:
    """An event a day."""
    return [
        Event(START + timedelta(days=day), "me", Move(action, alias, None, version))
        for day, (action, alias, version) in enumerate(told)
    ]


def crowned(version: str, action: Action = Action.PROMOTED) -> tuple[Action, Alias, str]:
    return action, Alias.CHAMPION, version


def back(version: str) -> tuple[Action, Alias, str]:
    return crowned(version, Action.ROLLED_BACK)


def test_refusals_and_challengers_make_no_champion() -> None:
    told = events((Action.PROMOTED, Alias.CHALLENGER, "1"), crowned("1"), crowned("2", Action.REFUSED))
    assert champions(told) == ["1"]
    assert (holder(told, Alias.CHAMPION), holder(told, Alias.CHALLENGER)) == ("1", "1")


@pytest.mark.parametrize(
    ("told", "line"),
    [
        ([], []),
        ([crowned("1"), crowned("2", Action.FORCED), crowned("3")], ["1", "2", "3"]),
        ([crowned("1"), crowned("2"), crowned("3"), back("2")], ["1", "2"]),
        ([crowned("1"), crowned("2"), crowned("3"), back("2"), back("1")], ["1"]),
        ([crowned("1"), crowned("2"), back("1"), crowned("3")], ["1", "3"]),
        ([crowned("1"), crowned("2"), crowned("1"), back("2")], ["1", "2"]),
    ],
)
def test_the_line_of_champions_forgets_who_was_rolled_back(
    told: list[tuple[Action, Alias, str]], line: list[str]
) -> None:
    assert champions(events(*told)) == line


def test_the_champion_of_a_moment_is_the_last_before_it() -> None:
    told = events(crowned("1"), crowned("2"), crowned("3", Action.REFUSED), back("1"))

    def at(day: str) -> str | None:
        found = champion_at(told, moment_of(day))
        return found.move.version if found else None

    days = ["2026-11-19", "2026-11-20", "2026-11-21", "2026-11-22", "2026-11-23", "2027-01-01"]
    assert [at(day) for day in days] == [None, "1", "2", "2", "1", "1"]
    assert [at(f"2026-11-21T{time}") for time in ("11:59", "12:00", "12:00+01:00")] == ["1", "2", "1"]


def test_what_is_no_date_is_said() -> None:
    with pytest.raises(ConfigError, match=r"--on: 'yesterday' is not allowed; allowed: a date such as"):
        moment_of("yesterday")
