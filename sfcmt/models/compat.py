"""Makes `torchvision`, which timm needs, importable beside another build of torch than its own. Import both from here.

The torchvision wheel of the main package index is compiled against the CUDA build of torch. Beside a CPU build its
compiled operators do not load, and its Python part fails at import because it registers a rule for `nms`. Declaring the
two operators by hand is enough; nothing here calls them.
"""

from __future__ import annotations

from importlib.machinery import PathFinder
from importlib.util import find_spec

import torch

__all__ = ["timm", "torchvision"]


def _has_own_operators() -> bool:
    """Whether torchvision's operators load, tried as it does itself, without importing it, which takes a second."""
    package = find_spec("torchvision")
    compiled = PathFinder.find_spec("_C", package.submodule_search_locations) if package else None
    try:
        torch.ops.load_library(compiled.origin if compiled else "")  # type: ignore[no-untyped-call]
    except OSError:
        return False
    return True


if not _has_own_operators():
    _LIBRARY = torch.library.Library("torchvision", "DEF")  # type: ignore[no-untyped-call]  # its operators live with it
    for _name in ("nms", "qnms"):
        _LIBRARY.define(f"{_name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")  # type: ignore[no-untyped-call]

import timm  # noqa: E402
import torchvision  # noqa: E402
