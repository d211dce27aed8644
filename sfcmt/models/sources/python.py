"""A network that a function of the user's returns: `python:package.module:function`. It runs the user's code."""

from __future__ import annotations

import importlib
import sys
from functools import cache
from typing import Any, ClassVar

from torch import nn

from sfcmt.errors import ConfigError, ModelError, Problem
from sfcmt.models.expected_input import ExpectedInput
from sfcmt.models.file_digest import file_digest
from sfcmt.models.matching import load_weights
from sfcmt.models.source_kind import Brought, SourceKind
from sfcmt.models.sources import SOURCES
from sfcmt.models.weights_file import read_weights
from sfcmt.provenance import weights_digest


@SOURCES.register("python")
class PythonModel(SourceKind):
    """The function takes no arguments, and returns an `nn.Module` that maps images to logits."""

    runs_code: ClassVar[bool] = True

    def digest(self) -> str:
        """Of the file of weights, or of those that the function's network has."""
        return f"{self.reference} {file_digest(self.weights) if self.weights else _own_weights(self.reference)}"

    def expects(self) -> ExpectedInput:
        """ImageNet's, as nothing says otherwise."""
        return ExpectedInput()

    def names(self) -> None:
        """None are known."""

    def bring(self, size: int) -> Brought:
        """What the function returns, with the file's weights if there is one."""
        network = self.build({"function": self.reference})
        notes: tuple[str, ...] = ()
        if self.weights:
            weights = read_weights(self.weights, self.weights_key)
            notes = weights.told + load_weights(network, weights, self.weights.name, f"python:{self.reference}")
        return Brought(network.eval(), {"function": self.reference}, notes)

    @classmethod
    def build(cls, arguments: dict[str, Any]) -> nn.Module:
        """What the function returns."""
        network = _function(arguments["function"])()
        if not isinstance(network, nn.Module):
            raise ModelError(f"python:{arguments['function']}: returns a {type(network).__name__}, and no nn.Module")
        return network


def _function(reference: str) -> Any:
    """The function; modules of the working directory are found, too."""
    module, _, name = reference.partition(":")
    if "" not in sys.path:
        sys.path.append("")
    try:
        return getattr(importlib.import_module(module), name)
    except (ImportError, AttributeError, ValueError) as error:
        allowed = f"package.module:function, which this process can import ({error})"
        raise ConfigError([Problem("source.model", f"python:{reference}", allowed)]) from error


@cache
def _own_weights(reference: str) -> str:
    """Digest of the weights of the function's network. Raises `ModelError` if they differ from call to call."""
    found = {weights_digest(PythonModel.build({"function": reference})) for _ in range(2)}
    if len(found) > 1:
        raise ModelError(f"python:{reference}: returns other weights at each call; name their file by source.weights")
    return found.pop()
