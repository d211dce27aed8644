"""A registered model: its aliases, each of whose moves is written as an event first."""

from __future__ import annotations

import mlflow

from sfcmt.reports.registry.alias import Alias
from sfcmt.reports.registry.events import Action, EventLog, Move
from sfcmt.reports.registry.history import holder


class RegisteredModel:
    """The aliases and the events of a registered model."""

    def __init__(self, name: str) -> None:
        self.name, self.client, self.log = name, mlflow.MlflowClient(), EventLog(name)

    @property
    def aliases(self) -> dict[str, str]:
        """Versions by alias, as MLflow serves them."""
        return {alias: str(version) for alias, version in self.client.get_registered_model(self.name).aliases.items()}

    def make(self, move: Move) -> Move:
        """Write an event, then make the alias follow, unless it is a refusal."""
        self.log.append(move)
        if move.action is not Action.REFUSED:
            self._follow(move.alias)
        return move

    def _follow(self, alias: Alias) -> None:
        """Make an alias what the events say, and look again: of several writers at a time, all end at the last event.

        Who is champion is no challenger any more.
        """
        while (now := self.aliases.get(alias)) != (version := holder(self.log.read(), alias)):
            try:
                self.client.set_registered_model_alias(self.name, alias, version)
            except mlflow.MlflowException:  # a new alias is made by one writer, and MLflow refuses the others
                if now is not None or alias not in self.aliases:
                    raise
        if alias is Alias.CHAMPION and self.aliases.get(Alias.CHALLENGER) == version:
            self.client.delete_registered_model_alias(self.name, Alias.CHALLENGER)
