"""The channel: a small actor between one process that has stages trained and the group of workers that trains them.

The process posts a request and hears messages. The worker that tells something waits until the process wants to hear
more, or drops the request: so an early stop takes effect between two epochs, and the group goes on to the next order.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from dataclasses import dataclass

from sfcmt.clusters.messages import EpochEnded, Started
from sfcmt.clusters.stage_request import StageRequest
from sfcmt.clusters.training_queue import WorkerError
from sfcmt.errors import SfcmtError

_ATTEMPTS = 3
_SECONDS = 5.0


@dataclass(frozen=True)
class Done:
    """The stage's files are in its folder."""


@dataclass(frozen=True)
class Failed:
    """The stage cannot be trained."""

    error: SfcmtError


Message = Started | EpochEnded | Done | Failed
_Answer = asyncio.Future[bool]


class GroupChannel:
    """One request at a time, numbered from 1. An actor: its methods are called from other processes."""

    def __init__(self) -> None:
        self._request: StageRequest | None = None
        self._number, self._attempts, self._epoch = 0, 0, 0.0
        self._has_started = self._is_closed = False
        self._cause = "killed, or out of memory?"
        self._messages: asyncio.Queue[tuple[Message | None, _Answer | None]] = asyncio.Queue()
        self._answer: _Answer | None = None
        self._failed: defaultdict[int, set[int]] = defaultdict(set)
        self._changed = asyncio.Condition()

    async def post(self, request: StageRequest) -> None:
        """Give the group a request; what is still said of the one before is forgotten."""
        self._number, self._request, self._attempts, self._has_started = self._number + 1, request, 0, False
        self._epoch = 0.0
        self._messages = asyncio.Queue()
        await self._notify()

    async def hear(self) -> Message | None:
        """The next message, when whoever told the last one has gone on; None when the group has ended."""
        self._release(goes_on=True)
        if self._is_closed:
            return None
        message, self._answer = await self._messages.get()
        return message

    async def drop(self) -> None:
        """Take the request back: the group leaves it at the end of the epoch."""
        self._request = None
        self._release(goes_on=False)

    async def close(self) -> None:
        """Send the workers home; they end when they next ask or tell."""
        self._is_closed = True
        await self.drop()
        self._messages.put_nowait((None, None))
        await self._notify()

    async def request(self, after: int, rank: int) -> tuple[int, StageRequest] | None:
        """The request with a number above `after` when there is one; None when the channel is closed.

        Raises `WorkerError` if the group has begun it several times and never come to the end of an epoch.
        """
        async with self._changed:
            await self._changed.wait_for(lambda: self._is_closed or (self._request and self._number > after))
        if self._is_closed or self._request is None:
            return None
        self._attempts += rank == 0
        if self._attempts > _ATTEMPTS:
            error = WorkerError(f"a worker died {_ATTEMPTS} times before it had finished an epoch ({self._cause})")
            self._end(Failed(error))
            raise error  # the group starts anew: others may have begun the request
        return self._number, self._request

    async def tell(self, number: int, message: Message) -> bool:
        """Pass on a message of a request; whether to go on with the request, once that is known."""
        if number != self._number or self._request is None:
            return False
        if isinstance(message, Started):
            if self._has_started:  # and goes on after a worker has died
                return True
            self._has_started = True
        if isinstance(message, EpochEnded):
            if message.row["epoch"] <= self._epoch:  # told again by a training that goes on
                return True
            self._epoch, self._attempts = message.row["epoch"], 0
        if isinstance(message, Done):
            self._end(message)
            return True
        answer: _Answer = asyncio.get_running_loop().create_future()
        self._messages.put_nowait((message, answer))
        return await answer

    async def fail(self, number: int, rank: int, workers: int, error: SfcmtError) -> bool:
        """Tell an error; whether all workers had one, so that none waits for another and the group may go on."""
        if number == self._number and self._request is not None:
            self._end(Failed(error))
        self._failed[number].add(rank)
        await self._notify()
        try:
            async with asyncio.timeout(_SECONDS), self._changed:
                await self._changed.wait_for(lambda: len(self._failed[number]) == workers)
        except TimeoutError:
            return False
        return True

    async def note(self, cause: str) -> None:
        """Remember why a worker died, for the error if it does so again and again."""
        self._cause = cause

    def _end(self, message: Message) -> None:
        self._request = None
        self._messages.put_nowait((message, None))

    def _release(self, goes_on: bool) -> None:
        if self._answer is not None and not self._answer.done():
            self._answer.set_result(goes_on)
        self._answer = None

    async def _notify(self) -> None:
        async with self._changed:
            self._changed.notify_all()
