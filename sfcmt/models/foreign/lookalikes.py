"""Which of timm's models a file fits, if it does not fit the one that it was said to be of."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping

import torch
from torch import Tensor

from sfcmt.models.foreign.mismatch import mismatch
from sfcmt.models.foreign.prefixes import into_line

_PREFIX = "timm:"
_MOST = 24


def fitting_model(tensors: Mapping[str, Tensor], name: str) -> str:
    """The name (`timm:resnet34`) of a model whose names and shapes are the file's, but for the number of outputs.

    Sought among the 24 of the same family as `name` whose names are most alike; empty if there is none.
    """
    if not name.startswith(_PREFIX):
        return ""
    return next((_PREFIX + other for other in _alike(name.removeprefix(_PREFIX)) if _fits(tensors, other)), "")


def _alike(name: str) -> list[str]:
    """Other sizes of the same design first."""
    from sfcmt.models.compat import timm

    def distance(other: str) -> tuple[bool, float]:
        return _design(other) != _design(name), -difflib.SequenceMatcher(None, name, other).ratio()

    family = re.match("[a-z]*", name)
    known = timm.list_models(f"{family[0] if family else name}*")
    return sorted((other for other in known if other != name), key=distance)[:_MOST]


def _design(name: str) -> str:
    return re.sub(r"\d+", "0", name)


def _fits(tensors: Mapping[str, Tensor], name: str) -> bool:
    from sfcmt.models.compat import timm

    try:
        with torch.device("meta"):  # shapes without memory
            wanted = timm.create_model(name).state_dict()
    except RuntimeError:  # a model whose making needs values
        return False
    wrong = mismatch(into_line(tensors, wanted)[0], wanted)
    return not wrong or wrong.outputs is not None
