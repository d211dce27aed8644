"""A source model as a Python object: one that the caller has in memory, or what `source.model` names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from sfcmt.config import GivenSourceConfig
from sfcmt.experiment import checked_section
from sfcmt.models.expected_input import MEAN, STD, Triple

if TYPE_CHECKING:
    from torch import nn

Classes = str | Sequence[str] | Mapping[str, Sequence[int | str]]
"""Names in the order of the outputs; a file of one a line; or, for each class, the outputs that are merged into it."""


@dataclass(frozen=True)
class SourceModel:
    """A classifier of RGB images, and what it expects of them. Making one reads no weights and trains nothing.

    `config` is the section `source` of an experiment, to be used wherever one is written down.
    """

    config: GivenSourceConfig

    @staticmethod
    def from_module(
        module: nn.Module,
        classes: Classes,
        *,
        size: int | None = None,
        mean: Triple = MEAN,
        std: Triple = STD,
        order: Literal["rgb", "bgr"] = "rgb",
        head: str | None = None,
    ) -> SourceModel:
        """Any module that maps images (B, 3, size, size) to logits (B, K), by a linear layer at its end.

        The module is copied, with its hooks, and stays as it is. `size` is in pixels (224, if None). `mean` and `std`
        are in units in which a white pixel is 1, in the `order` of the channels. `head` names the last layer, where it
        cannot be told.

        Only this process has the model. Workers, `tune`, and loading a result in another process need a function that
        returns it: `SourceModel.of("python:package.module:function")`. Raises `ModelError`, `ConfigError`.

        >>> source = SourceModel.from_module(model, ["across", "down", "centre"], size=32)
        >>> source.config.classes
        ('across', 'down', 'centre')
        """
        from sfcmt.models.sources.module import keep

        given = {"size": size, "mean": mean, "std": std, "order": order}
        return SourceModel.of(f"module:{keep(module)}", classes=classes, head=head, input=given)

    @staticmethod
    def of(
        model: str, *, weights: str | Path | None = None, classes: Classes | None = None, **fields: Any
    ) -> SourceModel:
        """What `source.model` takes in a YAML file; `fields` are the other ones of that section.

        Raises `ConfigError` with every problem at once.

        >>> SourceModel.of("timm:resnet18", classes=["cat", "dog"], head="fc").config.model
        'timm:resnet18'
        """
        raw = {"model": model, "weights": str(weights) if weights else None, "classes": classes, **fields}
        return SourceModel(checked_section(raw, GivenSourceConfig, "source"))
