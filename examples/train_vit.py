"""Trains a small vision transformer of Hugging Face's on a folder of RGB images. It knows nothing of sfcmt.

    python examples/train_vit.py images/rgb vit [--epochs 12 --size 48]

Writes what `save_pretrained` writes: the architecture, the names of the classes, the input, the weights.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import torch
from torchvision import datasets, transforms
from transformers import ViTConfig, ViTForImageClassification, ViTImageProcessor


def main() -> None:
    """Train and save."""
    parser = argparse.ArgumentParser()
    parser.add_argument("images", type=Path)
    parser.add_argument("output", type=Path)
    parser.add_argument("--epochs", type=int, default=12)
    parser.add_argument("--size", type=int, default=48)
    given = parser.parse_args()
    torch.manual_seed(0)
    steps = [transforms.Resize((given.size, given.size)), transforms.RandomHorizontalFlip(), transforms.ToTensor()]
    halves = transforms.Normalize((0.5, 0.5, 0.5), (0.5, 0.5, 0.5))
    dataset = datasets.ImageFolder(str(given.images), transforms.Compose([*steps, halves]))
    train(model := network(dataset.classes, given.size), dataset, given.epochs)
    model.save_pretrained(given.output)
    ViTImageProcessor(size={"height": given.size, "width": given.size}).save_pretrained(given.output)


def network(classes: list[str], size: int) -> ViTForImageClassification:
    """Four layers of 96 wide."""
    shape = {"hidden_size": 96, "num_hidden_layers": 4, "num_attention_heads": 4, "intermediate_size": 192}
    labels = dict(enumerate(classes))
    return ViTForImageClassification(ViTConfig(image_size=size, patch_size=8, id2label=labels, **shape))


def train(model: ViTForImageClassification, dataset: datasets.ImageFolder, epochs: int) -> None:
    """Plain cross-entropy."""
    batches = torch.utils.data.DataLoader(dataset, batch_size=32, shuffle=True, drop_last=True)
    optimiser = torch.optim.AdamW(model.parameters(), lr=1e-3, weight_decay=0.05)
    for epoch in range(epochs):
        losses = []
        for images, labels in batches:
            loss = model(pixel_values=images, labels=labels).loss
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            losses.append(loss.item())
        print(f"epoch {epoch + 1}: mean loss {sum(losses) / len(losses):.3f}")


if __name__ == "__main__":
    main()
