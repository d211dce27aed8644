"""The folds of a cross-fitted oracle: whole frames, and about as many of each class in each.

Frames are ordered by class, and within a class by their digests, and are dealt in that order. A frame with images of
several classes counts with the rarest of them.
"""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Sequence

import torch
from torch import Tensor

from sfcmt.data.dataset import Dataset, read_part
from sfcmt.data.schema import Sealed, Split
from sfcmt.errors import DataError

FOLDS = 3
VERSION = 2
"""1 dealt frames by their digests alone, whatever their classes."""


def folds_of(groups: Sequence[str], labels: Sequence[int]) -> Tensor:
    """The fold (N,) of each image, by its frame and its class."""
    members: defaultdict[str, set[int]] = defaultdict(set)
    for group, label in zip(groups, labels, strict=True):
        members[group].add(label)
    count = Counter(label for own in members.values() for label in own)
    rarest = {group: min(own, key=lambda label: (count[label], label)) for group, own in members.items()}
    order = sorted(members, key=lambda group: (rarest[group], hashlib.sha256(f"fold {group}".encode()).digest()))
    fold = {group: place % FOLDS for place, group in enumerate(order)}
    return torch.tensor([fold[group] for group in groups])


def require_frames(dataset: Dataset) -> None:
    """Raise `DataError` for target images of fewer frames than there are folds."""
    frames_N = dataset.frames(Split.TARGET)
    if frames_N is None:  # they are sealed beside the labels, of which none is looked at
        frames_N = read_part(dataset.folder, dataset.manifest, Sealed.LABELS, ["group"])["group"].to_numpy()
    found = len(set(frames_N.tolist()))
    if found < FOLDS:
        needed = f"the supervised oracle needs target images of {FOLDS} or more frames, not {found}"
        raise DataError(f"{dataset.folder}: {needed}; leave the oracles out")
