"""Which TR source rows are held out of training: about the same share of every class, and never all of a class.

N rows in groups (frames), which stay whole. Digests of the groups give the order, so names and order of files play no
part beyond that, and every run holds out the same. This is systematic sampling within strata (Cochran, Sampling
Techniques, 1977, ch. 8), with a start of its own in each class, so that small classes lose a row in turn.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

VERSION = 2
"""1 took groups by their digests alone, whatever their classes."""


def stratified_holdout(groups: Sequence[str], label_N: NDArray[np.integer], fraction: float) -> NDArray[np.bool_]:
    """True (N,) for the rows to hold out: about `fraction` of the groups of each class.

    Each class keeps at least one group to train on. At least one group is held out, unless that would take a class's
    last. A larger fraction holds out the same groups and more.
    """
    members: dict[str, set[int]] = {}
    for group, label in zip(groups, label_N.tolist(), strict=True):
        members.setdefault(group, set()).add(label)
    turns = _turns(members)
    kept = {max(own, key=lambda group: turns[group]) for own in _by_class(members).values()}
    free = sorted(members.keys() - kept, key=lambda group: turns[group])
    held = {group for place, group in enumerate(free) if place == 0 or turns[group][0] < fraction}
    return np.array([group in held for group in groups], dtype=np.bool_)


def _turns(members: dict[str, set[int]]) -> dict[str, tuple[float, bytes]]:
    """At which fraction each group is held out, with its digest. It counts with the rarest of its classes."""
    by_class = _by_class(members)
    strata: dict[int, list[str]] = {}
    for group, labels in members.items():
        strata.setdefault(min(labels, key=lambda label: (len(by_class[label]), label)), []).append(group)
    turns = {}
    for label, own in strata.items():
        start = int.from_bytes(_digest(f"class {label}")[:4], "big") / 2**32
        for place, group in enumerate(sorted(own, key=_digest)):
            turns[group] = ((place + start) / len(own), _digest(group))
    return turns


def _by_class(members: dict[str, set[int]]) -> dict[int, list[str]]:
    found: dict[int, list[str]] = {}
    for group, labels in members.items():
        for label in labels:
            found.setdefault(label, []).append(group)
    return found


def _digest(name: str) -> bytes:
    return hashlib.sha256(name.encode()).digest()
