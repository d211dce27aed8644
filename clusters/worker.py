"""A worker of a group: takes requests from the channel and trains them together with the others."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import ray
from ray.train.torch import get_device

from sfcmt.artifact import Row
from sfcmt.callbacks import Callback
from sfcmt.clusters.group_channel import Done, Message
from sfcmt.clusters.messages import EpochEnded, Started
from sfcmt.clusters.stage_request import StageRequest
from sfcmt.config import Runtime
from sfcmt.distributed import is_main, main_says, own_device, rank, workers
from sfcmt.errors import SfcmtError
from sfcmt.outputs import Outputs
from sfcmt.recipe import Recipe
from sfcmt.store import Store


class _DroppedError(Exception):
    """The request is not wanted any more."""


def serve_requests(config: dict[str, Any]) -> None:
    """What each worker of the group runs until the channel closes."""
    channel, wants_outputs, number = config["channel"], config["wants_outputs"], 0
    if (gpu := get_device().index) is not None:
        os.environ["LOCAL_RANK"] = str(gpu)  # which GPU is this worker's own: several may share one
    while (found := ray.get(channel.request.remote(number, rank()))) is not None:
        number, request = found
        try:
            _train(request, _Reporter(channel, number, wants_outputs, request.runtime))
        except Exception as error:
            ray.get(channel.note.remote(f"{type(error).__name__}: {error}"))
            raise


def _train(request: StageRequest, reporter: _Reporter) -> None:
    recipe, store = request.recipe(), Store(request.runtime.store)
    try:
        store.workspace(recipe, request.runtime, reporter).run()
        if is_main():
            store.hand_over(recipe)
        reporter.tell(Done())
    except _DroppedError:
        return
    except SfcmtError as error:
        if not reporter.all_failed(error):
            raise  # another may wait for this worker: the group must start anew


class _Reporter(Callback):
    """Hears of the training in each worker. The first tells the channel, and all do as it answers."""

    def __init__(self, channel: Any, number: int, wants_outputs: bool, runtime: Runtime) -> None:
        self._channel, self._number, self._wants_outputs = channel, number, wants_outputs
        self._device = own_device(runtime.torch_device())

    def stage_started(self, recipe: Recipe, epochs: int) -> None:
        """Tell the number of epochs. Only the first worker's hears of it."""
        ray.get(self._channel.tell.remote(self._number, Started(epochs)))

    def epoch_ended(self, recipe: Recipe, row: Row, outputs: Callable[[], Outputs | None]) -> None:
        """Tell the epoch's losses, and the outputs, which all workers compute together."""
        self.tell(EpochEnded(row, outputs() if self._wants_outputs else None))

    def tell(self, message: Message) -> None:
        """Tell the channel. Raises in every worker if the request was dropped."""
        goes_on = is_main() and ray.get(self._channel.tell.remote(self._number, message))
        if not main_says(goes_on, self._device):
            raise _DroppedError

    def all_failed(self, error: SfcmtError) -> bool:
        """Tell the channel of an error; whether every worker has had one."""
        return bool(ray.get(self._channel.fail.remote(self._number, rank(), workers(), error)))
