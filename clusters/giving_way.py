"""Work that would wait for another's stage gives back what it holds of the cluster, and is begun again later."""

from __future__ import annotations

from collections import deque
from time import monotonic
from typing import Generic, TypeVar

from sfcmt.config import Runtime
from sfcmt.errors import SfcmtError

T = TypeVar("T")
_SECONDS = 5.0


class GivesWayError(SfcmtError):
    """Another process trains what is needed here. Nothing is wrong: the same work can be begun again later."""


def gives_way(runtime: Runtime, what: str, reason: str) -> None:
    """Called where work would wait. Raises `GivesWayError` if it holds a GPU: others have a use for that meanwhile."""
    if runtime.gpus_per_worker > 0:
        raise GivesWayError(f"{what} waits {reason}")


class Resting(Generic[T]):
    """Work that is not to be begun again for some seconds, in order."""

    def __init__(self) -> None:
        self._work: deque[tuple[float, T]] = deque()

    def __len__(self) -> int:
        return len(self._work)

    def add(self, work: T) -> None:
        """Put work aside."""
        self._work.append((monotonic() + _SECONDS, work))

    def rested(self) -> T | None:
        """The next to begin again, if its time has come."""
        if self._work and self._work[0][0] <= monotonic():
            return self._work.popleft()[1]
        return None
