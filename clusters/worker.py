"""A worker of a group: takes orders from the exchange and trains them together with the others."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import ray
from ray.train.torch import get_device

from clusters.exchange import Done, Message
from clusters.messages import EpochEnded, Started
from clusters.orders import StageOrder
from sfcmt.callbacks import Callback, Row
from sfcmt.config import Runtime
from sfcmt.distributed import is_main, main_says, own_device, rank, workers
from sfcmt.errors import SfcmtError
from sfcmt.outputs import Outputs
from sfcmt.stages.stage import Stage
from sfcmt.store import Store


class _DroppedError(Exception):
    """The order is not wanted any more."""


def take_orders(config: dict[str, Any]) -> None:
    """What each worker of the group runs until the exchange closes."""
    exchange, wants_outputs, number = config["exchange"], config["wants_outputs"], 0
    if (gpu := get_device().index) is not None:
        os.environ["LOCAL_RANK"] = str(gpu)  # which GPU is this worker's own: several may share one
    while (found := ray.get(exchange.order.remote(number, rank()))) is not None:
        number, order = found
        try:
            _train(order, _Reporter(exchange, number, wants_outputs, order.runtime))
        except Exception as error:
            ray.get(exchange.note.remote(f"{type(error).__name__}: {error}"))
            raise


def _train(order: StageOrder, reporter: _Reporter) -> None:
    stage, store = order.stage(), Store(order.runtime.store)
    try:
        store.workspace(stage, order.runtime, reporter).run()
        if is_main():
            store.hand_over(stage)
        reporter.tell(Done())
    except _DroppedError:
        return
    except SfcmtError as error:
        if not reporter.all_failed(error):
            raise  # another may wait for this worker: the group must start anew


class _Reporter(Callback):
    """Hears of the training in each worker. The first tells the exchange, and all do as it answers."""

    def __init__(self, exchange: Any, number: int, wants_outputs: bool, runtime: Runtime) -> None:
        self._exchange, self._number, self._wants_outputs = exchange, number, wants_outputs
        self._device = own_device(runtime.torch_device())

    def stage_started(self, stage: Stage, epochs: int) -> None:
        """Tell the number of epochs. Only the first worker's hears of it."""
        ray.get(self._exchange.tell.remote(self._number, Started(epochs)))

    def epoch_ended(self, stage: Stage, row: Row, outputs: Callable[[], Outputs | None]) -> None:
        """Tell the epoch's losses, and the outputs, which all workers compute together."""
        self.tell(EpochEnded(row, outputs() if self._wants_outputs else None))

    def tell(self, message: Message) -> None:
        """Tell the exchange. Raises in every worker if the order was dropped."""
        goes_on = is_main() and ray.get(self._exchange.tell.remote(self._number, message))
        if not main_says(goes_on, self._device):
            raise _DroppedError

    def all_failed(self, error: SfcmtError) -> bool:
        """Tell the exchange of an error; whether every worker has had one."""
        return bool(ray.get(self._exchange.fail.remote(self._number, rank(), workers(), error)))
