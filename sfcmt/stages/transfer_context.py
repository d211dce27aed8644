"""What a method works with: its config, frozen models, unlabelled data. Never TR source images, nor target labels."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any, Generic, TypeVar, cast

import torch
from torch import Tensor, nn

from sfcmt.artifact import Artifact
from sfcmt.config import BridgeConfig, TeacherName, TransferConfig
from sfcmt.data.batches import UnlabelledData
from sfcmt.errors import StoreError
from sfcmt.models.classifier import Classifier, Prediction, copy_of, frozen
from sfcmt.models.target_model import ModelSpec, TargetModel, input_of, target_spec
from sfcmt.models.translators.copy import ChannelCopy, channel_copy
from sfcmt.outputs import Outputs
from sfcmt.stages.bridge import load_translator
from sfcmt.stages.predict import predict_rows
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
    def classes(self) -> int:
        """K."""
        return len(self.source_model.spec.classes)

    @cached_property
    def models(self) -> dict[str, Classifier]:
        """The target models of the methods that it stands on, by method, frozen, on the device."""
        names = [recipe.name for recipe in self._recipe.upstream if recipe.kind == _TRANSFER]
        paths = {name: self.workspace.artifact(_TRANSFER, name).path for name in names}
        loaded = {name: frozen(TargetModel.load(path).classifier) for name, path in paths.items()}
        return {name: cast("Classifier", self._on_device(model)) for name, model in loaded.items()}

    @property
    def start(self) -> Classifier:
        """What F_t starts from, frozen, on the device."""
        return self.models[self._start] if self._start else self.source

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

    def teacher(self, names: Sequence[TeacherName]) -> Teacher:
        """The mean of the named models' predictions for TR target images."""
        return Teacher(mean_of([self._named(name) for name in names]), self.data.target, self.config.teacher_view)

    def _named(self, teacher: TeacherName) -> Callable[[Tensor], Prediction]:
        if teacher == "copy":
            return self.copied
        if teacher == "bridge":
            _ = self.translator  # loaded now: its construction draws random numbers, which no epoch may miss
            return self.bridged
        model = self.start if teacher == "start" else self.models[teacher]
        return lambda x_BCHW: cast("Prediction", model(channel_copy(x_BCHW)))

    def pair_teacher(self) -> Teacher:
        """C_s F_s on the real source side of TI pairs."""
        return Teacher(self.source, self.data.pair_source, self.config.teacher_view)

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


def outputs_of(model: TargetModel, context: TransferContext[Any]) -> Outputs:
    """What scoring and validators need of a model: its predictions for all targets and the held-out pairs, if any."""
    data = context.data
    target = predict_rows(model.predict, data.target)
    pair = real = Prediction(target.features_BD[:0], target.logits_BK[:0])
    if data.has_pairs:
        pair = predict_rows(model.predict, data.pair_target, data.held_pair_rows)
        real = predict_rows(context.source, data.pair_source, data.held_pair_rows)
    tensors = (target.logits_BK, target.features_BD, pair.logits_BK, pair.features_BD, real.logits_BK, real.features_BD)
    return Outputs(*(tensor.cpu() for tensor in tensors))
