"""Networks on the device against the CPU, and half precision against float32, on the same weights and images."""

from __future__ import annotations

import copy
from collections.abc import Iterator

import torch
from torch import Tensor, nn

from benchmarks.gpu.bench import Bench, Row, near
from sfcmt.data.augment import apply_views, random_views
from sfcmt.models.bottleneck import BottleneckClassifier
from sfcmt.models.translators.light import LightTranslator

_HALVES = {"bfloat16": 0.1, "float16": 0.02}
"""Share of the largest logit by which each may be off: 8 and 11 bits, through some tens of layers."""


def rows(bench: Bench) -> Iterator[Row]:
    """Random views, the translator, a classifier, its gradients, and its logits in half precision."""
    torch.manual_seed(0)
    torch.backends.cudnn.allow_tf32, before = False, torch.backends.cudnn.allow_tf32
    torch.set_float32_matmul_precision("highest")
    x = torch.randn(8, 3, bench.size, bench.size)
    views = random_views(8, 0.6, True, torch.Generator().manual_seed(1))
    seen = [apply_views(x.to(device), views) for device in ("cpu", bench.device)]
    yield near("random views", seen[1], seen[0], 1e-4)
    translator = LightTranslator(1)
    yield near("light translator", *_on_both(translator, x[:, :1], bench.device), tolerance=1e-3)
    model = BottleneckClassifier(bench.backbone, 10, size=bench.size).eval()
    yield near(f"{bench.backbone}, logits", *_on_both(model, x, bench.device), tolerance=1e-3)
    yield near(f"{bench.backbone}, gradient of the first layer", *_gradients(model, x, bench.device), tolerance=5e-2)
    on_device, images = copy.deepcopy(model).to(bench.device), x.to(bench.device, memory_format=torch.channels_last)
    with torch.no_grad():
        expected = on_device(images).logits_BK
        for name, tolerance in _HALVES.items():
            with torch.autocast(bench.device_name, getattr(torch, name)):
                found = on_device(images).logits_BK
            yield near(f"{bench.backbone}, logits in {name}", found, expected, tolerance)
    torch.backends.cudnn.allow_tf32 = before


def _on_both(model: nn.Module, x: Tensor, device: torch.device) -> tuple[Tensor, Tensor]:
    with torch.no_grad():
        said = [copy.deepcopy(model).to(place)(x.to(place)) for place in (device, torch.device("cpu"))]
    found, expected = (one if isinstance(one, Tensor) else one.logits_BK for one in said)
    return found, expected


def _gradients(model: nn.Module, x: Tensor, device: torch.device) -> tuple[Tensor, Tensor]:
    found = []
    for place in (device, torch.device("cpu")):
        own = copy.deepcopy(model).to(place)
        own(x.to(place)).logits_BK.square().mean().backward()
        gradient = next(own.parameters()).grad
        assert gradient is not None
        found.append(gradient)
    return found[0], found[1]
