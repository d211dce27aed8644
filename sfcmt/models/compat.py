"""Makes `torchvision` importable beside a CPU build of torch. Import this before timm or torchvision.

The torchvision wheel of the main package index is compiled against the CUDA build of torch. Beside a CPU build its
compiled operators do not load, and its Python part fails at import because it registers a rule for `nms`. Declaring the
two operators by hand is enough; nothing here calls them.
"""

from __future__ import annotations

import torch

if torch.version.cuda is None and not hasattr(torch.ops.torchvision, "nms"):
    _LIBRARY = torch.library.Library("torchvision", "DEF")  # type: ignore[no-untyped-call]  # its operators live with it
    for _name in ("nms", "qnms"):
        _LIBRARY.define(f"{_name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")  # type: ignore[no-untyped-call]
