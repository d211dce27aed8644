"""The protocol between a process and its group of workers, in one event loop and without Ray."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from pathlib import Path
from typing import Any, TypeVar

import pytest

from clusters import exchange as module
from clusters.exchange import Done, Exchange, Failed, Message
from clusters.messages import EpochEnded, Started
from clusters.obtain import WorkerError
from clusters.orders import StageOrder
from sfcmt.config import Runtime
from sfcmt.errors import StoreError
from sfcmt.stages.source import SourceStage

T = TypeVar("T")
ORDER = StageOrder(SourceStage, {}, Path("data"), 0, Runtime(workers=2))
OTHER = StageOrder(SourceStage, {}, Path("data"), 1, Runtime(workers=2))


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


def test_all_workers_get_an_order_once_and_wait_for_the_next() -> None:
    async def scene() -> None:
        exchange = Exchange()
        early = later(exchange.order(after=0, rank=1))
        assert await is_waiting(early)
        await exchange.post(ORDER)
        assert [await early, await exchange.order(0, rank=0)] == [(1, ORDER), (1, ORDER)]
        following = later(exchange.order(after=1, rank=0))
        assert await is_waiting(following)
        await exchange.post(OTHER)
        assert await following == (2, OTHER)

    run(scene())


def test_a_worker_goes_on_when_the_process_wants_to_hear_more() -> None:
    async def scene() -> list[Message | None]:
        exchange = Exchange()
        await exchange.post(ORDER)
        told = later(exchange.tell(1, Started(2)))
        heard = [await exchange.hear()]
        assert await is_waiting(told)
        next_heard = later(exchange.hear())
        assert await told
        told = later(exchange.tell(1, epoch(1)))
        heard.append(await next_heard)
        next_heard = later(exchange.hear())
        assert await told
        assert await exchange.tell(1, Done())
        return [*heard, await next_heard]

    assert run(scene()) == [Started(2), epoch(1), Done()]


def test_a_dropped_order_is_left_at_the_next_epoch_and_nothing_of_it_is_heard() -> None:
    async def scene() -> Message | None:
        exchange = Exchange()
        await exchange.post(ORDER)
        waiting = later(exchange.tell(1, epoch(1)))
        await exchange.hear()
        await exchange.drop()
        assert await waiting is False
        await exchange.post(OTHER)
        assert await exchange.tell(1, epoch(2)) is False
        later(exchange.tell(2, epoch(1)))
        return await exchange.hear()

    assert run(scene()) == epoch(1)


def test_the_start_is_told_once_however_often_workers_die() -> None:
    async def scene() -> Message | None:
        exchange = Exchange()
        await exchange.post(ORDER)
        later(exchange.tell(1, Started(2)))
        await exchange.hear()
        assert await exchange.tell(1, Started(2))
        later(exchange.tell(1, epoch(2)))
        return await exchange.hear()

    assert run(scene()) == epoch(2)


def test_an_epoch_is_told_once_however_often_workers_die() -> None:
    async def scene() -> list[Message | None]:
        exchange = Exchange()
        await exchange.post(ORDER)
        later(exchange.tell(1, epoch(2)))  # by a training that goes on: its process has died after the epoch
        heard = [await exchange.hear()]
        assert await exchange.tell(1, epoch(2))
        later(exchange.tell(1, epoch(3)))
        heard.append(await exchange.hear())
        await exchange.post(OTHER)
        later(exchange.tell(2, epoch(1)))
        return [*heard, await exchange.hear()]

    assert run(scene()) == [epoch(2), epoch(3), epoch(1)]


def test_an_order_is_given_up_when_no_epoch_ends_in_three_attempts() -> None:
    async def scene() -> Message | None:
        exchange = Exchange()
        await exchange.post(ORDER)
        for number in range(5):
            await exchange.order(after=0, rank=0)
            later(exchange.tell(1, epoch(number + 1)))
            await exchange.hear()
        for _ in range(3):
            assert await exchange.order(after=0, rank=0) == (1, ORDER)
            assert await exchange.order(after=0, rank=1) == (1, ORDER)
            assert await exchange.tell(1, epoch(5))  # as each new beginning tells the last epoch again
        await exchange.note("OSError: no route to host")
        with pytest.raises(WorkerError):
            await exchange.order(after=0, rank=0)
        return await exchange.hear()

    failed = run(scene())
    assert isinstance(failed, Failed)
    assert str(failed.error) == "a worker died 3 times before it had finished an epoch (OSError: no route to host)"


def test_when_all_workers_fail_together_the_first_error_is_told_and_the_group_goes_on() -> None:
    async def scene() -> Message | None:
        exchange = Exchange()
        await exchange.post(ORDER)
        errors = [StoreError("first"), StoreError("second")]
        assert all(await asyncio.gather(*(exchange.fail(1, rank, 2, error) for rank, error in enumerate(errors))))
        return await exchange.hear()

    failed = run(scene())
    assert isinstance(failed, Failed)
    assert str(failed.error) == "first"


def test_when_one_worker_fails_alone_the_group_must_start_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_SECONDS", 0.05)

    async def scene() -> bool:
        exchange = Exchange()
        await exchange.post(ORDER)
        return await exchange.fail(1, rank=1, workers=2, error=StoreError("no such file"))

    assert run(scene()) is False


def test_closing_sends_everybody_home() -> None:
    async def scene() -> None:
        exchange = Exchange()
        idle = later(exchange.order(after=0, rank=0))
        listener = later(exchange.hear())
        assert await is_waiting(idle)
        await exchange.close()
        assert await idle is None
        assert await listener is None
        assert await exchange.tell(1, epoch(1)) is False
        await exchange.post(ORDER)
        assert await exchange.hear() is None

    run(scene())
