"""The sections of an experiment that are the same for every method. Each component owns its section's type."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PositiveInt,
    ValidationInfo,
    field_validator,
    model_validator,
)

from sfcmt.identity import NOT_IDENTITY
from sfcmt.models.backbones import instead_of
from sfcmt.models.expected_input import Interpolation, Triple
from sfcmt.models.sources import SOURCES
from sfcmt.models.translators import TRANSLATORS
from sfcmt.models.translators.fixed import AUTO, FIXED

if TYPE_CHECKING:
    import torch


RECORDED = {"recorded": True}
"""Context of a validation that reads what was written down: networks need not be there any more."""


class Section(BaseModel):
    """A group of fields: unknown names are errors, values never change."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


class DataConfig(Section):
    """Which data set, and how it is read."""

    folder: Annotated[str | None, NOT_IDENTITY] = Field(None, coerce_numbers_to_str=True)
    """Folder of an imported data set, or `synthetic` for the embedded one. Its contents' digest enters identities."""
    size: int | None = Field(None, ge=16, le=1024)
    """Height and width that images are resized to: what a given source model expects, or 96, if unset."""
    holdout: float = Field(0.15, gt=0, lt=1)
    """Share of the frames of TI pairs (for validators) and of TR source (for its accuracy) kept out of training."""
    target_holdout: float = Field(0.0, ge=0, lt=1)
    """Share of the frames of TR target images kept out of adaptation, and of what chooses without labels: tables judge
    them apart, as images to come. 0: models adapt to all images, which they are judged on."""


class Training(Section):
    """One training run: optimisation and augmentation."""

    epochs: int = Field(5, ge=1)
    batch: int = Field(64, ge=2)
    """Images of a batch, over all workers together."""
    lr: float = Field(3e-4, gt=0)
    """Learning rate of the layers that start trained."""
    optimiser: Literal["adamw", "sgd"] = "adamw"
    weight_decay: float = Field(1e-2, ge=0)
    schedule: Literal["cosine", "constant"] = "cosine"
    precision: Literal["float32", "bfloat16", "float16"] = "float32"
    """Number type of networks; their weights, images, losses and statistics stay float32."""
    bn_momentum: float = Field(0.1, ge=0, le=1)
    crop: float = Field(0.6, gt=0, le=1)
    """Smallest share of an image's area that a random crop keeps; 1 crops nothing."""
    flip: bool = True
    accumulate: int = Field(1, ge=1)
    """Batches whose gradients are averaged into one step of the optimiser."""


class ClassifierTraining(Training):
    """Training of a backbone with its bottleneck and classifier."""

    head_lr: float = Field(4.0, gt=0)
    """How many times faster than the backbone the bottleneck and the classifier learn."""
    freeze_depthwise: bool = False
    """Do not train depthwise convolutions: about a third cheaper."""


class SourceTraining(ClassifierTraining):
    """Training on labels: of a source model, or of the oracle that is trained on the target's."""

    label_smoothing: float = Field(0.1, ge=0, lt=1)
    epochs: int = Field(8, ge=1)
    lr: float = Field(5e-4, gt=0)


class SourceConfig(SourceTraining):
    """The source model: trained once, on TR source images."""

    backbone: str = "tf_efficientnet_lite0"
    pretrained: bool = Field(True, validate_default=True)
    """Start from ImageNet weights."""
    size: Annotated[int | None, NOT_IDENTITY] = Field(None, ge=16, le=1024)
    """Height and width that TR source images are resized to: `data.size`, if unset."""

    @field_validator("backbone")
    @classmethod
    def _buildable(cls, name: str, section: ValidationInfo) -> str:
        if section.context is not RECORDED and (allowed := instead_of(name)):
            raise ValueError(allowed)
        return name

    @field_validator("pretrained")
    @classmethod
    def _has_weights(cls, pretrained: bool, section: ValidationInfo) -> bool:
        if pretrained and section.data.get("backbone") == "small":
            raise ValueError("false for the backbone small: it has no weights")
        return pretrained


class InputConfig(Section):
    """What a given source model expects of its images, where that is not what its own config says."""

    size: int | None = Field(None, ge=16, le=1024)
    mean: Triple | None = None
    """In units of `range`, in the order of the channels."""
    std: Triple | None = None
    range: Literal[1, 255] | None = None
    """The value of a white pixel before normalisation."""
    order: Literal["rgb", "bgr"] | None = None
    interpolation: Interpolation | None = None
    crop: float | None = Field(None, gt=0, le=1)
    """Share of the shorter side that the central square keeps."""


def _absolute(path: str) -> str:
    return str(Path(path).expanduser().absolute())


class GivenSourceConfig(Section):
    """A source model that the user brings: it takes the place of one that is trained here."""

    model: str
    """`timm:NAME`, `torchvision:NAME`, `hf:FOLDER`, `python:package.module:function`, `models:/NAME@ALIAS`,
    `runs:/ID/model`, or the folder of a model of ours."""
    weights: Annotated[str | None, AfterValidator(lambda path: path and _absolute(path))] = None
    """File of its weights: safetensors, or a state dict that torch saved; unset: those that belong to the model."""
    weights_key: str | None = None
    """Where in the file the weights are, where there are several."""
    head: str | None = None
    """Name of the layer that yields the outputs, where that cannot be told."""
    classes: str | tuple[str, ...] | dict[str, tuple[int | str, ...]] | None = None
    """The classes in the order of the outputs: a list, or a file of one a line; or, for each class, the outputs (places
    or names) that are merged into it. Unset: the model's own names."""
    digest: str | None = None
    """Of the model's weights and code; another model is refused. A study writes it down when it is made."""
    merge: Literal["logsumexp", "logmeanexp"] = "logsumexp"
    """How outputs become a class: the first favours large groups."""
    input: InputConfig = InputConfig()

    @field_validator("model")
    @classmethod
    def _of_a_kind(cls, model: str, section: ValidationInfo) -> str:
        kind, _, reference = model.partition(":")
        if Path(model).is_dir() or not reference:
            return _absolute(model)
        if kind not in SOURCES and section.context is not RECORDED:
            raise ValueError(f"a folder, or one of {', '.join(f'{name}:...' for name in SOURCES)}")
        return f"{kind}:{_absolute(reference)}" if Path(reference).is_dir() else model

    @field_validator("classes")
    @classmethod
    def _of_a_file(cls, classes: Any) -> Any:
        return _absolute(classes) if isinstance(classes, str) else classes


class GivenStartConfig(Section):
    """A target model that a transfer goes on from: `transfer.start`, where it names one."""

    model: str


class BridgeConfig(Training):
    """TGMB: training the translator under the frozen source model (arXiv 2401.05014)."""

    translator: str = "light"
    """What makes target images look like source images. `light`, `unet` and `project` are trained, for the methods that
    use the bridge. `normals`, `inverse` and `colormap` are fixed: nothing is trained, and what they make is what every
    method's model sees of target images, in place of channel copies. `auto` is that of the fixed, or the channel copy,
    under which the source model finds the RGB partner of held-out pairs best."""
    alpha_rec: float = Field(1.0, ge=0)
    """Weight of the pixel loss L_rec; 1 in the paper."""
    alpha_d: float = Field(0.1, ge=0, json_schema_extra={"search": {"choice": [0, 0.1, 0.3]}})
    """Weight of the domain-adversarial loss L_D."""
    alpha_im: float = Field(1.0, ge=0, json_schema_extra={"search": {"choice": [0, 0.3, 1]}})
    """Weight of information maximisation L_IM on TR target images."""
    perceptual: float = Field(0.0, ge=0)
    """Weight of matching the source model's features of translated and real TI images."""
    bn_matching: float = Field(0.0, ge=0)
    """Weight of matching the source model's batch-norm statistics on translated TR target images."""
    epochs: int = Field(3, ge=1)
    lr: float = Field(1e-3, gt=0)

    @model_validator(mode="after")
    def _learns_something(self) -> BridgeConfig:
        if not any((self.alpha_rec, self.alpha_d, self.alpha_im, self.perceptual, self.bn_matching)):
            raise ValueError("at least one weight above 0")
        return self

    @field_validator("translator")
    @classmethod
    def _known(cls, name: str) -> str:
        known = [*(trained for trained in TRANSLATORS if trained != "copy"), *FIXED, AUTO]
        if name not in known:
            raise ValueError(", ".join(known))
        return name

    @property
    def fixed(self) -> str | None:
        """The translator, if it is one that nothing trains, or `auto`."""
        return self.translator if self.translator in (*FIXED, AUTO) else None


TeacherName = Literal["bridge", "copy", "start", "bn_adapt", "shot", "ti_distillation"]
"""The source model behind the translator; the source model on channel copies; what F_t starts from; other methods."""


class TransferConfig(ClassifierTraining):
    """What all methods share; a method's own section adds its weights."""

    teacher_view: Literal["clean", "augmented"] = "clean"
    """What frozen teachers see: the plain image, once, cached; or the student's own augmented view, at every step."""
    ema: float = Field(0.0, ge=0, lt=1)
    """Decay of an averaged student, which makes the pseudo-labels and is the result; 0 for none."""


class LossConfig(TransferConfig):
    """What all methods share that minimise a sum of terms."""

    terms: dict[str, Annotated[float, Field(ge=0)]] = {}
    """Weights of terms that are added to the method's own, by name (`sfcmt list`): those of other packages too. Of a
    term that the method has, its own field is the weight."""

    @field_validator("terms")
    @classmethod
    def _on(cls, terms: dict[str, float]) -> dict[str, float]:
        return {name: weight for name, weight in terms.items() if weight}


def _group_size(size: object) -> int | tuple[int, int]:
    match size:
        case int(workers) if workers >= 1 and workers is not True:
            return workers
        case [int(least), int(most)] if 1 <= least <= most:
            return least, most
        case _:
            raise ValueError("a number of workers, such as 2, or the least and the most, such as [1, 4]")


Workers = Annotated[PositiveInt | tuple[PositiveInt, PositiveInt], BeforeValidator(_group_size)]
"""How many workers train one stage together; the least and the most where the cluster may decide."""


class Runtime(Section):
    """Where and how to compute. Nothing here changes a result beyond its rounding."""

    device: Literal["auto", "cpu", "cuda", "mps"] = "auto"
    threads: int | None = Field(None, ge=1)
    """CPU threads of torch; if unset, one for each CPU that the process may use, or takes of a cluster."""
    store: str = Field(default_factory=lambda: os.environ.get("SFCMT_STORE", "sfcmt-store"))
    """Folder of stage artifacts and embedded data, or URI of an object store, such as s3://bucket/prefix or
    gs://bucket/prefix (default: SFCMT_STORE, or ./sfcmt-store)."""
    memory_gb: float = Field(8.0, gt=0)
    """Decoded images that a machine keeps under SFCMT_CACHE for all that runs on it, together; and those that a process
    keeps on its GPU. What does not fit is decoded at each use."""
    workers: Workers = 1
    """Processes, on one machine or several, that train one stage together; [least, most] lets a cluster decide."""
    cpus_per_worker: float = Field(1.0, gt=0)
    """CPUs that each worker takes of a Ray cluster."""
    gpus_per_worker: float = Field(0.0, ge=0)
    """GPUs that each worker takes of a Ray cluster; several workers may share one, such as 0.25."""
    tf32: bool = True
    """On NVIDIA GPUs, products of float32 are rounded to 10 bits: many times faster, and off by 1e-3 of a value."""
    compile: Literal["off", "kernels", "cuda_graphs"] = "off"
    """Whether torch compiles the networks that are trained: to kernels, or to kernels that are launched as one CUDA
    graph. It takes about a minute for each training. Results are off by 1e-3 of a value, as between devices."""

    @property
    def worker_threads(self) -> int:
        """Threads of a process that takes CPUs of a cluster: one for each, unless `threads` says otherwise."""
        return self.threads or max(1, int(self.cpus_per_worker))

    def torch_device(self) -> torch.device:
        """The device that `auto` stands for, or the one asked for."""
        import torch

        if self.device != "auto":
            return torch.device(self.device)
        if torch.cuda.is_available():
            return torch.device("cuda")
        return torch.device("mps" if torch.backends.mps.is_available() else "cpu")
