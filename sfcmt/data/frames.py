"""Frames seen in both modalities: choosing the task's classes, dividing them, and writing the data set."""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from sfcmt.data.class_names import refuse_twin_names
from sfcmt.data.scanner import Scanner
from sfcmt.data.writer import DatasetInfo, DatasetWriter
from sfcmt.errors import DataError
from sfcmt.listing import listed

MOST_FREQUENT = 6
"""How many task-relevant classes are taken where the user names none, as in the published protocols."""


@dataclass(frozen=True)
class Frame:
    """One frame in both modalities. Frames of one `group` stay on one side of a division."""

    source: Path
    target: Path
    class_name: str
    group: str


@dataclass(frozen=True)
class Division:
    """Which frames go to which split; a label is an index into `classes`."""

    classes: tuple[str, ...]
    source: Sequence[Frame]
    pairs: Sequence[Frame]
    target: Sequence[Frame]


def by_stem(images: Iterable[Path], ending: str) -> dict[Path, Path]:
    """The images whose stems have this ending, in any case, by their paths without it. Raises `DataError` for two."""
    found: dict[Path, Path] = {}
    for image in images:
        if image.stem.lower().endswith(ending):
            stem = image.with_name(image.stem[: -len(ending)] or image.name)
            if found.setdefault(stem, image) != image:
                raise DataError(f"{image}: {found[stem].name} beside it is the same frame")
    return found


def partner(stem: Path, ending: str, images: dict[Path, Path], image: Path, root: Path) -> Path:
    """The image of the other modality; a `DataError` names it where it is missing."""
    if stem not in images:
        missing = stem.with_name(f"{stem.name}{ending}{image.suffix}")
        raise DataError(f"{missing.relative_to(root)}: missing, though its partner in the other modality is there")
    return images[stem]


def refuse_widowed(found: Iterable[Path], frames: Sequence[Frame], root: Path) -> None:
    """Raise a `DataError` for the first target image in `found` that belongs to no frame."""
    widowed = sorted(set(found) - {frame.target for frame in frames})
    if widowed:
        raise DataError(f"{widowed[0].relative_to(root)}: its partner in the source modality is missing")


def by_class(frames: Sequence[Frame], wanted: Sequence[str], fraction: float, root: Path) -> Division:
    """Frames of the `wanted` classes (default: the most frequent) divided into source and target, the others pairs."""
    refuse_twin_names({frame.class_name: frame.source.relative_to(root) for frame in frames})
    counts = Counter(frame.class_name for frame in frames)
    frequent = sorted(counts, key=lambda name: (-counts[name], name))[:MOST_FREQUENT]
    classes = tuple(wanted) or tuple(sorted(frequent))
    unknown = [name for name in classes if name not in counts]
    if unknown:
        raise DataError(f"{root}: no images of class {unknown[0]!r}; classes here: {listed(sorted(counts))}")
    source, target = divide([frame for frame in frames if frame.class_name in classes], fraction)
    return Division(classes, source, [frame for frame in frames if frame.class_name not in classes], target)


def divide(frames: Sequence[Frame], fraction: float) -> tuple[list[Frame], list[Frame]]:
    """Divide into source and target by whole groups, about `fraction` of each class's frames into the source.

    Groups are visited in the order of their digests, so that their names and order play no part; each goes where it
    leaves the share of its classes nearest to `fraction`. A class that would have no source frame gets its first group.
    """
    classes: dict[str, Counter[str]] = defaultdict(Counter)
    for frame in frames:
        classes[frame.group][frame.class_name] += 1
    seen, taken = Counter[str](), Counter[str]()
    chosen: set[str] = set()
    order = sorted(classes, key=lambda name: hashlib.sha256(name.encode()).digest())
    for group in order:
        members = classes[group]
        seen += members
        owed = sum(fraction * seen[name] - taken[name] for name in members)
        if owed >= members.total() / 2:
            taken += members
            chosen.add(group)
    for group in order:
        if any(name not in taken for name in classes[group]):
            taken += classes[group]
            chosen.add(group)
    return [frame for frame in frames if frame.group in chosen], [
        frame for frame in frames if frame.group not in chosen
    ]


def write(division: Division, root: Path, destination: Path, info: DatasetInfo, scanner: Scanner) -> None:
    """Write the data set; `scanner` is told of images that cannot be read.

    Target labels and the real source images of target frames go to the sealed parts.
    """
    labels = {name: label for label, name in enumerate(division.classes)}
    absent = set(labels) - {frame.class_name for frame in division.source}
    if absent:
        raise DataError(f"{root}: no source images of class {listed(sorted(absent))}")
    with DatasetWriter(destination, info, skip=scanner.skip_image) as writer:
        for frame in division.source:
            origin = frame.source.relative_to(root).as_posix()
            writer.add_source(frame.source, labels[frame.class_name], frame.group, origin)
        for frame in division.pairs:
            writer.add_pair(frame.source, frame.target, group=frame.group, origin=_origin(frame, root))
        for frame in division.target:
            label = labels[frame.class_name]
            writer.add_target(frame.target, frame.group, _origin(frame, root), label=label, real_source=frame.source)


def _origin(frame: Frame, root: Path) -> str:
    return f"{frame.source.relative_to(root).as_posix()} + {frame.target.relative_to(root).as_posix()}"
