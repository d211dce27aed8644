"""What a list of events says: who holds which alias, who was champion when, and who before."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, time

from sfcmt.errors import ConfigError, Problem
from sfcmt.reports.registry.alias import Alias
from sfcmt.reports.registry.events import Action, Event


def champions(events: Sequence[Event]) -> list[str]:
    """The line of champions, the present one last. What was rolled back is not in it."""
    line: list[str] = []
    for event in moves(events, Alias.CHAMPION):
        version = event.move.version
        if event.move.action is Action.ROLLED_BACK and version in line:
            del line[len(line) - line[::-1].index(version) :]
        else:
            line.append(version)
    return line


def holder(events: Sequence[Event], alias: Alias) -> str:
    """The version that an alias was moved to last. It has been moved."""
    return moves(events, alias)[-1].move.version


def champion_at(events: Sequence[Event], moment: datetime) -> Event | None:
    """The event that made the champion of a moment; None if there was none yet."""
    earlier = [event for event in moves(events, Alias.CHAMPION) if event.time <= moment]
    return earlier[-1] if earlier else None


def moves(events: Sequence[Event], alias: Alias) -> list[Event]:
    """The events that moved an alias."""
    return [event for event in events if event.move.alias is alias and event.move.action is not Action.REFUSED]


def moment_of(text: str) -> datetime:
    """A date (its end) or a time, in ISO 8601, UTC unless it says otherwise. Raises `ConfigError`."""
    try:
        return datetime.combine(date.fromisoformat(text), time.max, UTC)
    except ValueError:
        pass
    try:
        given = datetime.fromisoformat(text)
    except ValueError as error:
        raise ConfigError(
            [Problem("--on", text, "a date such as 2026-11-24, or a time such as 2026-11-24T18:00")]
        ) from error
    return given if given.tzinfo else given.replace(tzinfo=UTC)
