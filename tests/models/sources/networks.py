"""Small networks as people have them, and functions that make them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import nn

from sfcmt.models.compat import timm, torchvision
from sfcmt.testing.source_models import CLASSES, SIZE


def trained(network: nn.Module, size: int = SIZE) -> nn.Module:
    """With other weights and statistics than at first, in evaluation mode."""
    torch.manual_seed(3)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.add_(0.05 * torch.randn_like(parameter))
        network.train()
        for _ in range(3):
            network(1 + 2 * torch.randn(8, 3, size, size))
    return network.eval()


def timm_network(name: str, outputs: int = 3, size: int = SIZE) -> nn.Module:
    """One of timm's, trained on images of a size."""
    torch.manual_seed(0)
    return trained(timm.create_model(name, num_classes=outputs), size)


def torchvision_network(name: str, outputs: int = 3) -> nn.Module:
    """One of torchvision's."""
    torch.manual_seed(0)
    return trained(torchvision.models.get_model(name, num_classes=outputs))


class Plain(nn.Module):
    """What somebody wrote: no timm, a dropout before its head, an auxiliary head that only training uses."""

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(nn.Conv2d(3, 8, 3, 2), nn.GroupNorm(2, 8), nn.ReLU(), nn.AdaptiveAvgPool2d(1))
        self.drop, self.classify, self.auxiliary = nn.Dropout(0.5), nn.Linear(8, 3), nn.Linear(8, 3)

    def forward(self, x: torch.Tensor) -> Any:
        """Logits; while training, those of both heads."""
        features = self.body(x).flatten(1)
        logits = self.classify(self.drop(features))
        return (logits, self.auxiliary(features)) if self.training else logits


def plain() -> nn.Module:
    """A factory, as `python:` takes it."""
    torch.manual_seed(0)
    return Plain().eval()


def other_each_time() -> nn.Module:
    """A factory of random weights."""
    return nn.Sequential(nn.Flatten(), nn.Linear(3 * SIZE * SIZE, 3))


def hf_folder(name: str, folder: Path) -> nn.Module:
    """Writes one of transformers' with a processor of its own; the network."""
    import json

    import transformers

    labels: Any = dict(enumerate(CLASSES))
    vit = {"image_size": SIZE, "patch_size": 8, "hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2}
    fields: dict[str, dict[str, Any]] = {
        "ViT": vit | {"intermediate_size": 32},
        "DeiT": vit | {"intermediate_size": 32},
        "ConvNext": {"hidden_sizes": [8, 8, 16, 16], "depths": [1, 1, 1, 1]},
        "Swin": {"image_size": SIZE, "patch_size": 2, "embed_dim": 8, "window_size": 4}
        | {"depths": [1, 1], "num_heads": [2, 2]},
    }
    torch.manual_seed(0)
    config = getattr(transformers, f"{name}Config")(id2label=labels, **fields[name])
    kind = "ForImageClassificationWithTeacher" if name == "DeiT" else "ForImageClassification"
    network: Any = getattr(transformers, f"{name}{kind}")(config)
    network.save_pretrained(folder)
    statistics: dict[str, Any] = {"image_mean": [0.5] * 3, "image_std": [0.5] * 3}
    processor = {"size": {"height": SIZE, "width": SIZE}, "resample": 3} | statistics
    (folder / "preprocessor_config.json").write_text(json.dumps(processor))
    return network.eval()  # type: ignore[no-any-return]
