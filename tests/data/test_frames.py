"""Dividing frames into source and target by groups."""

from __future__ import annotations

import random
from collections import Counter
from pathlib import Path

import pytest

from sfcmt.data.frames import Frame, divide


def frames_of(groups: dict[str, list[str]]) -> list[Frame]:
    """Frames whose paths are all different, from the class names in each group."""
    return [
        Frame(Path(f"{group}/{place}_c"), Path(f"{group}/{place}_d"), name, group)
        for group, names in groups.items()
        for place, name in enumerate(names)
    ]


@pytest.mark.parametrize("fraction", [0.2, 0.5, 0.8])
def test_each_class_is_divided_by_the_fraction(fraction: float) -> None:
    frames = frames_of({f"g{number}": ["a" if number % 3 else "b"] for number in range(150)})
    source, _ = divide(frames, fraction)
    counts = Counter(frame.class_name for frame in source)
    assert abs(counts["a"] - 100 * fraction) <= 1
    assert abs(counts["b"] - 50 * fraction) <= 1


def test_groups_of_several_classes_stay_whole_and_nothing_is_lost() -> None:
    frames = frames_of({f"g{number}": ["a"] * (number % 4) + ["b"] * 2 for number in range(40)})
    source, target = divide(frames, 0.5)
    assert not {frame.group for frame in source} & {frame.group for frame in target}
    assert Counter(source) + Counter(target) == Counter(frames)
    for name in "ab":
        share = sum(f.class_name == name for f in source) / sum(f.class_name == name for f in frames)
        assert 0.4 < share < 0.6


def test_the_order_of_the_frames_plays_no_part() -> None:
    frames = frames_of({f"g{number}": ["a", "b"] for number in range(30)})
    mixed = random.Random(1).sample(frames, len(frames))
    assert {frame.source for frame in divide(frames, 0.5)[0]} == {frame.source for frame in divide(mixed, 0.5)[0]}


@pytest.mark.parametrize("fraction", [0.001, 0.15, 0.5, 0.999])
@pytest.mark.parametrize("frames", [1, 3])
def test_of_many_small_classes_none_lacks_source_frames(fraction: float, frames: int) -> None:
    found = frames_of({f"g{place}.{turn}": [f"c{place}"] for place in range(200) for turn in range(frames)})
    source, target = divide(found, fraction)
    assert len({frame.class_name for frame in source}) == 200
    assert len(source) + len(target) == len(found)
