"""What a method works with: its config, frozen models, unlabelled data. Never TR source images, nor target labels."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cached_property, partial
from typing import Any, Generic, TypeVar, cast

import torch
from torch import Tensor, nn

from sfcmt.artifact import Artifact
from sfcmt.config import BridgeConfig, TeacherName, TransferConfig
from sfcmt.data.batches import Column, UnlabelledData
from sfcmt.errors import ConfigError, Problem, StoreError
from sfcmt.models.classifier import Classifier, Prediction, copy_of, frozen
from sfcmt.models.given_start import START
from sfcmt.models.target_model import ModelSpec, TargetModel, input_of, target_spec
from sfcmt.models.translators.copy import ChannelCopy, channel_copy
from sfcmt.outputs import Outputs
from sfcmt.precision import FLOAT32, Precision
from sfcmt.stages.bridge import load_translator
from sfcmt.stages.predict import evaluation_batch, predict_rows
from sfcmt.stages.teacher import Teacher, mean_of
from sfcmt.store import Store
from sfcmt.workspace import Workspace

C = TypeVar("C", bound=TransferConfig)
_TRANSFER = "transfer"


class TransferContext(Generic[C]):
    """What a method works with: its config, the frozen source model, the bridge, and unlabelled data.

    F_t starts from the target model of the method `start`, or else from the source model. Where a fixed translator is
    chosen, `data` has what it makes of target images, of which a channel copy is the image itself.
    """

    def __init__(self, config: C, workspace: Workspace, start: str | None) -> None:
        self.config, self.workspace = config, workspace
        self._recipe, self._start = workspace.recipe, start
        self._answers: Answers | None = None

    @cached_property
    def source_model(self) -> TargetModel:
        """The source model with its classes and its input, frozen, on the device."""
        model = TargetModel.load(self.workspace.artifact("source").path)
        return cast("TargetModel", self._on_device(frozen(model)))

    @property
    def source(self) -> Classifier:
        """F_s and C_s."""
        return self.source_model.classifier

    @cached_property
    def translator(self) -> nn.Module:
        """T, frozen, on the device; nothing is left to do where it is fixed."""
        if self._recipe.translator:
            return ChannelCopy()
        return self._on_device(load_translator(self.workspace.artifact("bridge").path))

    @cached_property
    def data(self) -> UnlabelledData:
        """TR target images and TI pairs."""
        reader, to_source = self.workspace.reader(self.source_model.spec.resize), self.source_model.normalise
        to_target = input_of(self._spec(self.workspace.translator))
        return UnlabelledData(self._recipe.dataset, self._recipe.data, reader, to_source, to_target)

    @property
    def precision(self) -> Precision:
        """What networks run with: the training's, if there is one."""
        return Precision(self.config.precision) if self._recipe.trains else FLOAT32

    @property
    def classes(self) -> int:
        """K."""
        return len(self.source_model.spec.classes)

    @cached_property
    def models(self) -> dict[str, Classifier]:
        """The target models of the methods that it stands on, by method, frozen, on the device; and the user's."""
        found = [recipe for recipe in self._recipe.upstream if recipe.kind in (_TRANSFER, START)]
        paths = {recipe.name: self.workspace.artifact(recipe.kind, recipe.name).path for recipe in found}
        loaded = {name: frozen(TargetModel.load(path).classifier) for name, path in paths.items()}
        return {name: cast("Classifier", self._on_device(model)) for name, model in loaded.items()}

    @property
    def start(self) -> Classifier:
        """What F_t starts from, frozen, on the device. Raises `ConfigError` for a user's of another source model."""
        if self._start == START:
            self._require_same_head(self.models[START])
        return self.models[self._start] if self._start else self.source

    def _require_same_head(self, start: Classifier) -> None:
        """C is never trained: features mean the same to both where it is the same."""
        ours, theirs = self.source.head.state_dict(), start.head.state_dict()
        if ours.keys() != theirs.keys() or not all(torch.equal(ours[name], theirs[name]) for name in ours):
            allowed = "a model that comes from the experiment's source model: its head is another"
            raise ConfigError([Problem("transfer.start", "its model", allowed)])

    def trained(self, identity: str) -> Artifact:
        """Any transfer in the store. Raises `StoreError` if it is missing."""
        found = Store(self.workspace.runtime.store).open(_TRANSFER, identity)
        if found is None:
            raise StoreError(f"{_TRANSFER}-{identity}: missing in {self.workspace.runtime.store}")
        return found

    def new_student(self, start: Classifier | None = None) -> Classifier:
        """F_t, started from `start` (the method's own, if None), with C frozen."""
        student = cast("Classifier", self._on_device(copy_of(start or self.start)))
        student.freeze_head()
        return student

    def bridged(self, x_BCHW: Tensor) -> Prediction:
        """The source model on translated target images."""
        prediction: Prediction = self.source(self.translator(x_BCHW))
        return prediction

    def copied(self, x_BCHW: Tensor) -> Prediction:
        """The source model on channel copies of target images."""
        prediction: Prediction = self.source(channel_copy(x_BCHW))
        return prediction

    def answers(self, model: TargetModel) -> Answers:
        """What a model says as it is now: all who ask before it learns more, or another is asked, share one look."""
        if self._answers is None or self._answers.state != state_of(model):
            self._answers = Answers(model, self)
        return self._answers

    def forget_answers(self) -> None:
        """Free their memory: the model is about to learn more."""
        self._answers = None

    def predictions(self, model: Callable[[Tensor], Prediction], column: Column, rows: Tensor | None) -> Prediction:
        """What a model that is in evaluation mode says of plain images, in the training's precision."""
        batch = evaluation_batch(self._recipe.size, self.workspace.device)
        return predict_rows(partial(self.precision, model), column, rows, batch=batch)

    @cached_property
    def real_pairs(self) -> Prediction:
        """The source model on the source side of the held-out TI pairs, looked at once."""
        return self.predictions(self.source, self.data.pair_source, self.data.held_pair_rows)

    def teacher(self, names: Sequence[TeacherName]) -> Teacher:
        """The mean of the named models' predictions for TR target images."""
        return Teacher(
            mean_of([partial(self.precision, self._named(name)) for name in names]),
            self.data.target,
            self.config.teacher_view,
        )

    def _named(self, teacher: TeacherName) -> Callable[[Tensor], Prediction]:
        if teacher == "copy":
            return self.copied
        if teacher == "bridge":
            _ = self.translator  # loaded now: its construction draws random numbers, which no epoch may miss
            return self.bridged
        model = self.start if teacher == "start" else self.models[teacher]
        return lambda x_BCHW: cast("Prediction", model(channel_copy(x_BCHW)))

    @cached_property
    def pair_teacher(self) -> Teacher:
        """C_s F_s on the real source side of TI pairs."""
        return Teacher(partial(self.precision, self.source), self.data.pair_source, self.config.teacher_view)

    def target_model(self, classifier: Classifier) -> TargetModel:
        """The result: a classifier of channel copies, or of what the fixed translator makes."""
        return TargetModel(self._spec(self.workspace.translator), classifier)

    def translated_model(self) -> TargetModel:
        """The source model behind the translator."""
        if self._recipe.translator:
            return self.target_model(self.source)
        return TargetModel(self._spec(self._translator_name), self.source, self.translator)

    @property
    def _translator_name(self) -> str:
        return self._recipe.needed("bridge").settings(BridgeConfig).translator

    def _spec(self, translator: str) -> ModelSpec:
        return target_spec(self._recipe.dataset, self.source_model.spec, self._recipe.size, translator)

    def _on_device(self, model: nn.Module) -> nn.Module:
        return model.to(device=self.workspace.device, memory_format=torch.channels_last)  # type: ignore[call-overload,no-any-return]


class Answers:
    """What a model says of the data: each part computed when it is first asked for, in evaluation mode."""

    def __init__(self, model: TargetModel, context: TransferContext[Any]) -> None:
        self.state = state_of(model)
        self._model, self._context = model.to(context.workspace.device), context

    @cached_property
    def target(self) -> Prediction:
        """Of the TR target images that are learned from, on the device."""
        return self._predict(self._context.data.target)

    @cached_property
    def outputs(self) -> Outputs:
        """All that scoring and validators need: of the held-out pairs, too, if there are any."""
        data, target = self._context.data, self._every_target
        pair = real = Prediction(target.features_BD[:0], target.logits_BK[:0])
        if data.has_pairs:
            pair, real = self._predict(data.pair_target, data.held_pair_rows), self._context.real_pairs
        both = ((one.logits_BK.cpu(), one.features_BD.cpu()) for one in (target, pair, real))
        held_out = torch.zeros(len(target.logits_BK), dtype=torch.bool)
        held_out[data.held_target_rows] = True
        outputs = Outputs(*(tensor for one in both for tensor in one))
        return replace(outputs, held_out=held_out) if held_out.any() else outputs

    @property
    def _every_target(self) -> Prediction:
        """Of all TR target images, in the order of their file."""
        data = self._context.data
        if not len(data.held_target_rows):
            return self.target
        place_N = torch.cat([data.target_rows, data.held_target_rows]).argsort()
        both = zip(self.target, self._predict(data.held_target), strict=True)
        return Prediction(*(torch.cat(parts)[place_N.to(parts[0].device)] for parts in both))

    def _predict(self, column: Column, rows: Tensor | None = None) -> Prediction:
        was_training = self._model.classifier.training
        self._model.eval()
        prediction = self._context.predictions(self._model.predict, column, rows)
        self._model.classifier.train(was_training)
        return prediction


def state_of(model: nn.Module) -> object:
    """Equal as long as no weight, and no running statistic, is written to or replaced."""
    return [(tensor.data_ptr(), tensor._version) for tensor in model.state_dict().values()]
