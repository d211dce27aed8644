"""What other processes of a cluster do with its lock; they import little."""

from __future__ import annotations

import os
import time

from sfcmt.clusters.locks import RayLock


def stay(name: str, seconds: float) -> tuple[float, float]:
    """When the lock was held."""
    with RayLock(name):
        begun = time.time()
        time.sleep(seconds)
        return begun, time.time()


class Worker:
    """A process that takes the lock and does not leave it."""

    def pid(self) -> int:
        """Which process it is."""
        return os.getpid()

    def hold(self, name: str) -> None:
        """Take it."""
        with RayLock(name):
            time.sleep(600)
