"""torchvision beside whatever build of torch is installed."""

from __future__ import annotations

import torch

from sfcmt.models import compat


def test_operators_are_declared_only_where_torchvisions_own_do_not_load() -> None:
    from torchvision import extension

    assert hasattr(compat, "_LIBRARY") != extension._has_ops()
    assert hasattr(torch.ops.torchvision, "nms")
