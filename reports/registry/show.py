"""The history of a model, for people."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

import mlflow

from sfcmt.reports.registry.alias import Alias
from sfcmt.reports.registry.errors import RegistryError, registry_calls
from sfcmt.reports.registry.events import Event, EventLog
from sfcmt.reports.registry.history import champion_at, champions
from sfcmt.tuning.mlflow_calls import place

_TIME = "%Y-%m-%d %H:%M:%S"


def read_history(name: str) -> list[Event]:
    """The events of a registered model. Raises `RegistryError`."""
    with registry_calls(writes=False):
        known = {model.name for model in mlflow.search_registered_models()}
        if name not in known:
            names = ", ".join(sorted(known)) or "none"
            raise RegistryError(f"{name}: no such model at {place()}; there are: {names}")
        return EventLog(name).read()


def history_lines(events: Sequence[Event]) -> Iterator[str]:
    """A line for each event, the oldest first, with its reason and its evidence below."""
    for event in events:
        move = event.move
        versions = f"{move.alias} {move.before or 'none'} -> {move.version}"
        yield f"{event.time:{_TIME}} UTC  {versions}  {move.action} by {event.by}"
        yield from (f"    {why}" for why in [move.reason, *move.evidence] if why)


def present_champion(name: str, events: Sequence[Event]) -> str:
    """Who is champion now, by MLflow, and whether the events know of it."""
    with registry_calls(writes=False):
        aliases = mlflow.MlflowClient().get_registered_model(name).aliases
    version = str(aliases.get(Alias.CHAMPION, "none"))
    line = champions(events)
    known = "" if version == (line[-1] if line else "none") else ", which was not moved there by sfcmt"
    return f"Champion now: {version}{known}"


def past_champion(name: str, events: Sequence[Event], moment: datetime) -> str:
    """Who was champion at a moment."""
    event = champion_at(events, moment)
    if event is None:
        return f"{name} had no champion on {moment:{_TIME}} {moment.tzname()}"
    since = f"{event.move.action} {event.time:{_TIME}} UTC by {event.by}"
    return f"Champion on {moment:{_TIME}} {moment.tzname()}: {event.move.version} ({since})"
