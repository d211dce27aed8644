"""The protocol between a process and its group of workers, in one event loop and without Ray."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar, cast

import pytest

from sfcmt.clusters import group_channel as module
from sfcmt.clusters.group_channel import Done, Failed, GroupChannel, Message
from sfcmt.clusters.messages import EpochEnded, Started
from sfcmt.clusters.stage_request import StageRequest
from sfcmt.clusters.training_queue import WorkerError
from sfcmt.errors import StoreError

T = TypeVar("T")
REQUEST, OTHER = cast("StageRequest", "one"), cast("StageRequest", "another")


def epoch(number: int) -> EpochEnded:
    return EpochEnded({"epoch": number}, None)


def run(scene: Coroutine[Any, Any, T]) -> T:
    """The scene's result; a scene that waits for ever fails."""
    return asyncio.run(asyncio.wait_for(scene, 10))


def later(coroutine: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
    return asyncio.get_running_loop().create_task(coroutine)


async def is_waiting(task: asyncio.Task[Any]) -> bool:
    await asyncio.sleep(0.01)
    return not task.done()


def test_all_workers_get_a_request_once_and_wait_for_the_next() -> None:
    async def scene() -> None:
        channel = GroupChannel()
        early = later(channel.request(after=0, rank=1))
        assert await is_waiting(early)
        await channel.post(REQUEST)
        assert [await early, await channel.request(0, rank=0)] == [(1, REQUEST), (1, REQUEST)]
        following = later(channel.request(after=1, rank=0))
        assert await is_waiting(following)
        await channel.post(OTHER)
        assert await following == (2, OTHER)

    run(scene())


def test_a_worker_goes_on_when_the_process_wants_to_hear_more() -> None:
    async def scene() -> list[Message | None]:
        channel = GroupChannel()
        await channel.post(REQUEST)
        told = later(channel.tell(1, Started(2)))
        heard = [await channel.hear()]
        assert await is_waiting(told)
        next_heard = later(channel.hear())
        assert await told
        told = later(channel.tell(1, epoch(1)))
        heard.append(await next_heard)
        next_heard = later(channel.hear())
        assert await told
        assert await channel.tell(1, Done())
        return [*heard, await next_heard]

    assert run(scene()) == [Started(2), epoch(1), Done()]


def test_a_dropped_order_is_left_at_the_next_epoch_and_nothing_of_it_is_heard() -> None:
    async def scene() -> Message | None:
        channel = GroupChannel()
        await channel.post(REQUEST)
        waiting = later(channel.tell(1, epoch(1)))
        await channel.hear()
        await channel.drop()
        assert await waiting is False
        await channel.post(OTHER)
        assert await channel.tell(1, epoch(2)) is False
        later(channel.tell(2, epoch(1)))
        return await channel.hear()

    assert run(scene()) == epoch(1)


def test_the_start_is_told_once_however_often_workers_die() -> None:
    async def scene() -> Message | None:
        channel = GroupChannel()
        await channel.post(REQUEST)
        later(channel.tell(1, Started(2)))
        await channel.hear()
        assert await channel.tell(1, Started(2))
        later(channel.tell(1, epoch(2)))
        return await channel.hear()

    assert run(scene()) == epoch(2)


def test_an_epoch_is_told_once_however_often_workers_die() -> None:
    async def scene() -> list[Message | None]:
        channel = GroupChannel()
        await channel.post(REQUEST)
        later(channel.tell(1, epoch(2)))  # by a training that goes on: its process has died after the epoch
        heard = [await channel.hear()]
        assert await channel.tell(1, epoch(2))
        later(channel.tell(1, epoch(3)))
        heard.append(await channel.hear())
        await channel.post(OTHER)
        later(channel.tell(2, epoch(1)))
        return [*heard, await channel.hear()]

    assert run(scene()) == [epoch(2), epoch(3), epoch(1)]


def test_an_order_is_given_up_when_no_epoch_ends_in_three_attempts() -> None:
    async def scene() -> Message | None:
        channel = GroupChannel()
        await channel.post(REQUEST)
        for number in range(5):
            await channel.request(after=0, rank=0)
            later(channel.tell(1, epoch(number + 1)))
            await channel.hear()
        for _ in range(3):
            assert await channel.request(after=0, rank=0) == (1, REQUEST)
            assert await channel.request(after=0, rank=1) == (1, REQUEST)
            assert await channel.tell(1, epoch(5))  # as each new beginning tells the last epoch again
        await channel.note("OSError: no route to host")
        with pytest.raises(WorkerError):
            await channel.request(after=0, rank=0)
        return await channel.hear()

    failed = run(scene())
    assert isinstance(failed, Failed)
    assert str(failed.error) == "a worker died 3 times before it had finished an epoch (OSError: no route to host)"


def test_when_all_workers_fail_together_the_first_error_is_told_and_the_group_goes_on() -> None:
    async def scene() -> Message | None:
        channel = GroupChannel()
        await channel.post(REQUEST)
        errors = [StoreError("first"), StoreError("second")]
        assert all(await asyncio.gather(*(channel.fail(1, rank, 2, error) for rank, error in enumerate(errors))))
        return await channel.hear()

    failed = run(scene())
    assert isinstance(failed, Failed)
    assert str(failed.error) == "first"


def test_when_one_worker_fails_alone_the_group_must_start_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_SECONDS", 0.05)

    async def scene() -> bool:
        channel = GroupChannel()
        await channel.post(REQUEST)
        return await channel.fail(1, rank=1, workers=2, error=StoreError("no such file"))

    assert run(scene()) is False


def test_closing_sends_everybody_home() -> None:
    async def scene() -> None:
        channel = GroupChannel()
        idle = later(channel.request(after=0, rank=0))
        listener = later(channel.hear())
        assert await is_waiting(idle)
        await channel.close()
        assert await idle is None
        assert await listener is None
        assert await channel.tell(1, epoch(1)) is False
        await channel.post(REQUEST)
        assert await channel.hear() is None

    run(scene())
