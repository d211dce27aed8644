"""Trains torchvision's ResNet-18 on a folder of RGB images, one folder a class. It knows nothing of sfcmt.

    python examples/train_resnet18.py images/rgb resnet18.pth [--epochs 8 --size 64]

Writes the state dict, as training scripts do, and the names of the classes beside it (resnet18.txt).
"""

from __future__ import annotations

import argparse
from pathlib import Path

import torch
from torch import nn
from torchvision import datasets, models, transforms

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


def main() -> None:
    """Train and save."""
    parser = argparse.ArgumentParser()
    parser.add_argument("images", type=Path)
    parser.add_argument("output", type=Path)
    parser.add_argument("--epochs", type=int, default=8)
    parser.add_argument("--size", type=int, default=64)
    given = parser.parse_args()
    torch.manual_seed(0)
    steps = [transforms.Resize((given.size, given.size)), transforms.RandomHorizontalFlip(), transforms.ToTensor()]
    dataset = datasets.ImageFolder(str(given.images), transforms.Compose([*steps, transforms.Normalize(MEAN, STD)]))
    model = train(models.resnet18(num_classes=len(dataset.classes)), dataset, given.epochs)
    torch.save({"state_dict": model.state_dict(), "epoch": given.epochs}, given.output)
    given.output.with_suffix(".txt").write_text("\n".join(dataset.classes) + "\n")


def train(model: nn.Module, dataset: datasets.ImageFolder, epochs: int) -> nn.Module:
    """Plain cross-entropy."""
    batches = torch.utils.data.DataLoader(dataset, batch_size=32, shuffle=True, drop_last=True)
    optimiser = torch.optim.AdamW(model.parameters(), lr=1e-3)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, epochs * len(batches))
    for epoch in range(epochs):
        right = seen = 0
        for images, labels in batches:
            logits = model(images)
            loss = nn.functional.cross_entropy(logits, labels)
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            schedule.step()
            right, seen = right + int((logits.argmax(1) == labels).sum()), seen + len(labels)
        print(f"epoch {epoch + 1}: {100 * right / seen:.1f} % of training images right")
    return model


if __name__ == "__main__":
    main()
