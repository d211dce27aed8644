"""While a search runs: what its ended trials have left goes as soon as their processes have let go of it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from ray import tune

from sfcmt.errors import OutageError
from sfcmt.progress.lines import LOGGER
from sfcmt.tuning.search.retention import let_go
from sfcmt.tuning.search.study import Study


class Retainer(tune.Callback):  # type: ignore[misc]
    """Looks at the trials that have ended whenever one does."""

    def __init__(self, study: Study) -> None:
        self._study, self._done = study, set[int]()

    def __getstate__(self) -> dict[str, object]:
        """Nothing: Ray Tune pickles its callbacks for a restore of its own, which is never used."""
        return {}

    def on_trial_complete(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:
        """Let go of what can be let go of by now."""
        with told_only():
            for one in self._study.trials:
                if one.state.is_finished() and one.number not in self._done and let_go(self._study, one):
                    self._done.add(one.number)


@contextmanager
def told_only() -> Iterator[None]:
    """Room that cannot be made now must not stop a search."""
    try:
        yield
    except OutageError as error:
        LOGGER.warning(f"{error}; what can be removed stays for now: sfcmt gc")
