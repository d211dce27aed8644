"""Training a stage by a group of workers, on one machine or several, with Ray Train.

A group takes 8 to 14 s to start, so it is kept: it trains one stage after the other until it is closed. The state of a
training is the checkpoint in the stage's folder, which must be on storage that all nodes share: a lost worker or node
costs at most one epoch.
"""

from __future__ import annotations

import os
import tempfile
import threading
from types import TracebackType
from typing import Any, Self

os.environ.setdefault("RAY_TRAIN_HEALTH_CHECK_INTERVAL_S", "0.2")
os.environ.setdefault("RAY_TRAIN_WORKER_GROUP_START_TIMEOUT_S", "20")  # then it tries again, with what there is now
os.environ.setdefault("RAY_TRAIN_ENABLE_PREEMPTION_WATCHER", "0")  # an epoch is all that a lost node can cost

import ray
from ray.exceptions import RayError
from ray.train import FailureConfig, RunConfig, ScalingConfig, TrainingFailedError
from ray.train.torch import TorchConfig, TorchTrainer
from ray.train.v2._internal.callbacks.datasets import DatasetsCallback
from ray.train.v2._internal.callbacks.placement_group_callback import PlacementGroupCleanerCallback
from ray.train.v2.api.callback import RayTrainCallback
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from sfcmt.clusters.group_channel import Done, Failed, GroupChannel, Message
from sfcmt.clusters.messages import EpochEnded, Started, pass_on
from sfcmt.clusters.stage_request import StageRequest
from sfcmt.clusters.training_queue import WorkerError
from sfcmt.clusters.worker import serve_requests
from sfcmt.config import Runtime
from sfcmt.workspace import Workspace, train_here

_PATIENCE = 30.0


class RayTrain:
    """Trains by a group of as many workers as a runtime asks for; in this process if that is one.

    A context: the group is there from the first training to the end of the block. With `wants_outputs`, callbacks can
    ask for the outputs after each epoch. An exception of a callback ends the training at that epoch.
    """

    def __init__(self, wants_outputs: bool = False) -> None:
        self._wants_outputs = wants_outputs
        self._group: _Group | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close(_PATIENCE if kind is None or issubclass(kind, Exception) else 0)  # who is interrupted does not wait

    def close(self, patience: float = _PATIENCE) -> None:
        """End the group, and wait so many seconds until its resources are free; it ends after its epoch."""
        if self._group is not None:
            self._group.close(patience)
            self._group = None

    def __call__(self, workspace: Workspace) -> None:
        """Train. Raises the worker's own `SfcmtError`, or `WorkerError` if workers died again and again."""
        if workspace.runtime.workers == 1:
            train_here(workspace)
            return
        if self._group is None or self._group.has_ended:
            self._group = _Group(workspace.runtime, self._wants_outputs)
        self._group.train(workspace)


class _Group:
    """A running group and its channel."""

    def __init__(self, runtime: Runtime, wants_outputs: bool) -> None:
        here = NodeAffinitySchedulingStrategy(ray.get_runtime_context().get_node_id(), soft=False)
        self._channel: Any = ray.remote(num_cpus=0)(GroupChannel).options(scheduling_strategy=here).remote()
        self._ended = threading.Event()
        self._error: RayError | TrainingFailedError | None = None
        threading.Thread(target=self._run, args=[runtime, wants_outputs], daemon=True, name="group").start()

    def train(self, workspace: Workspace) -> None:
        """Post the request and pass on what the workers tell, until the stage is trained."""
        ray.get(self._channel.post.remote(StageRequest.of(workspace.recipe, workspace.runtime)))
        try:
            while not isinstance(message := ray.get(self._channel.hear.remote()), Done):
                self._pass_on(message, workspace)
        except BaseException:
            ray.get(self._channel.drop.remote())
            raise

    @property
    def has_ended(self) -> bool:
        """Whether it takes no more requests."""
        return self._ended.is_set()

    def close(self, patience: float) -> None:
        """Send the workers home, and wait until they and their resources are gone."""
        self._channel.close.remote()
        self._ended.wait(patience)

    def _pass_on(self, message: Message | None, workspace: Workspace) -> None:
        match message:
            case Started() | EpochEnded():
                pass_on(message, workspace.recipe, workspace.callback)
            case Failed(error):
                raise error
            case _:
                raise WorkerError(f"the group of workers has ended ({self._error})") from self._error

    def _run(self, runtime: Runtime, wants_outputs: bool) -> None:
        """Run the group until the channel closes. In a thread of its own."""
        try:
            # Ray Train's own notes, on which nothing depends; its controller may still write while they are removed
            with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
                _trainer(runtime, {"channel": self._channel, "wants_outputs": wants_outputs}, folder).fit()
        except (RayError, TrainingFailedError) as error:
            self._error = error
        finally:
            self._ended.set()
            self._channel.close.remote()


class _Trainer(TorchTrainer):  # type: ignore[misc]
    """Without a process that hands out Ray datasets, and without Ray's own remover of what is left behind.

    `sfcmt.clusters.stale_placement_groups` says why. Data sets are read by the workers themselves.
    """

    def _create_default_callbacks(self) -> list[RayTrainCallback]:
        left_out = (DatasetsCallback, PlacementGroupCleanerCallback)
        return [callback for callback in super()._create_default_callbacks() if not isinstance(callback, left_out)]


def _trainer(runtime: Runtime, config: dict[str, Any], folder: str) -> TorchTrainer:
    gpus = runtime.gpus_per_worker
    return _Trainer(
        serve_requests,
        train_loop_config=config,
        torch_config=TorchConfig("gloo" if gpus < 1 else "nccl"),  # NCCL refuses workers that share a GPU
        scaling_config=ScalingConfig(
            num_workers=runtime.workers,
            use_gpu=gpus > 0,
            resources_per_worker={"CPU": runtime.cpus_per_worker} | ({"GPU": gpus} if gpus else {}),
        ),
        run_config=RunConfig(
            storage_path=folder,
            failure_config=FailureConfig(max_failures=-1),  # the channel says when it is enough
            **_quiet(),
        ),
    )


def _quiet() -> dict[str, Any]:
    """No notes of Ray Train's below warnings, where it can be told so: from Ray 2.56 on."""
    return {"logging_config": ray.train.LoggingConfig("WARNING")} if hasattr(ray.train, "LoggingConfig") else {}
