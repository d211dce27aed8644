"""Small worlds with known labels: pairs that know something of them, and models that are right as often as is said."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from sfcmt.grounding.evidence import Integers, PairEvidence
from sfcmt.outputs import Outputs

CLASSES = 4


@dataclass(frozen=True)
class World:
    """Labels (N,) of target images, and evidence about all of them."""

    labels_N: Integers
    evidence: PairEvidence
    generator: np.random.Generator

    def model(self, recall: float, sureness: float = 3.0) -> Outputs:
        """A model that names the right class so often, else any other."""
        count = len(self.labels_N)
        wrong = (self.labels_N + self.generator.integers(1, CLASSES, count)) % CLASSES
        return outputs(np.where(self.generator.random(count) < recall, self.labels_N, wrong), sureness)


def world(seed: int = 0, images: int = 600, frames: int = 60, knows: float = 0.5, skew: float = 1.0) -> World:
    """Pairs lie near images of a class that the source model finds on their source side with probability `knows`.

    `skew` below 1 makes each class rarer than the one before.
    """
    generator = np.random.default_rng(seed)
    prior = skew ** np.arange(CLASSES)
    labels_N = generator.choice(CLASSES, images, p=prior / prior.sum())
    pair_labels_M = np.arange(4 * frames) % CLASSES
    said_M = np.where(
        generator.random(len(pair_labels_M)) < knows,
        pair_labels_M,
        generator.integers(0, CLASSES, len(pair_labels_M)),
    )
    nearest = [generator.choice(np.flatnonzero(pair_labels_M == label), 3, replace=False) for label in labels_N]
    evidence = PairEvidence(
        np.arange(images),
        np.stack(nearest),
        0.7 * np.eye(CLASSES)[said_M] + 0.3 / CLASSES,
        np.arange(images) // 5,
        np.arange(len(pair_labels_M)) % frames,
    )
    return World(labels_N, evidence, generator)


def outputs(classes_N: Integers, sureness: float = 3.0) -> Outputs:
    """Outputs of a model that names these classes."""
    logits_NK = sureness * torch.nn.functional.one_hot(torch.from_numpy(classes_N), CLASSES).float()
    return Outputs(logits_NK, *(torch.zeros(0, CLASSES) for _ in range(5)))
