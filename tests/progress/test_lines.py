"""Progress as a log sees it: what is said, by which level, and what the status is meanwhile."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest

from sfcmt.callbacks import Callback, Callbacks
from sfcmt.progress.lines import LOGGER, ProgressLines, duration
from sfcmt.recipe import Recipe
from sfcmt.recipes import transfer_recipe
from sfcmt.tuning.comparison import Comparison
from tests.progress.stages import artifact_of, tell


@dataclass
class Scene:
    """Lines, with a clock that the test moves."""

    now: float = 0.0
    lines: ProgressLines = field(init=False)

    def __post_init__(self) -> None:
        self.lines = ProgressLines(lambda: self.now)


@pytest.fixture
def scene() -> Scene:
    return Scene()


@pytest.fixture
def said(caplog: pytest.LogCaptureFixture) -> Callable[[], list[tuple[str, str]]]:
    """What was said so far, with its level."""
    caplog.set_level(logging.DEBUG, LOGGER.name)
    return lambda: [(record.levelname, record.getMessage()) for record in caplog.records]


@pytest.fixture
def source(comparison: Comparison) -> Recipe:
    return comparison.transfers[0].upstream[0]


def test_each_stage_is_told_once_and_each_epoch_to_those_who_want_all(
    comparison: Comparison, said: Callable[[], list[tuple[str, str]]]
) -> None:
    tell(ProgressLines(), comparison)
    names = [artifact_of(comparison.store, recipe).path.name for recipe in comparison.transfers]
    lines = said()
    assert lines[:2] == [("DEBUG", f"source (seed 0): epoch {one}/2: cross_entropy {0.5 / one:.3f}") for one in (1, 2)]
    assert lines[2][0] == "INFO"
    assert lines[2][1].startswith("source (seed 0): found, not trained again (source-")
    assert lines[3:] == [
        ("INFO", f"{method} (seed 0): found, not trained again ({name})")
        for method, name in zip(("source_only", "bn_adapt"), names, strict=True)
    ]


@pytest.mark.parametrize(
    ("row", "shown"),
    [
        ({"epoch": 2.0, "features": 0.25}, ": features 0.250"),
        ({"epoch": 2.0, **{f"a_loss_with_a_name_{number}": 0.5 for number in range(5)}}, ""),
    ],
)
def test_a_trained_stage_is_told_with_its_last_losses_if_they_are_short(
    comparison: Comparison,
    source: Recipe,
    said: Callable[[], list[tuple[str, str]]],
    row: dict[str, float],
    shown: str,
) -> None:
    lines, found = ProgressLines(), artifact_of(comparison.store, source)
    lines.stage_started(source, 2)
    lines.epoch_ended(source, row, lambda: None)
    lines.stage_ended(source, type(found)(found.path, reused=False))
    assert said()[-1] == ("INFO", f"source (seed 0): done in {found.seconds:.1f} s{shown}")


def test_the_status_follows_a_stage(comparison: Comparison, source: Recipe, scene: Scene) -> None:
    lines = scene.lines
    assert lines.status() == ""
    lines.stage_waits(source, "for a free process")
    scene.now = 20
    assert lines.status() == "source (seed 0): waits for a free process, 20 s so far"
    lines.stage_opened(source)
    scene.now = 25
    assert lines.status() == "source (seed 0), 5 s so far"
    lines.stage_started(source, 3)
    assert lines.status() == "source (seed 0): epoch 1/3, 5 s so far"
    lines.advanced(source, 1.5)
    scene.now = 100
    assert lines.status() == "source (seed 0): epoch 2/3, 1 min 20 s so far"
    lines.advanced(source, 3)
    assert lines.status() == "source (seed 0): epoch 3/3, 1 min 20 s so far"
    lines.stage_ended(source, artifact_of(comparison.store, source))
    assert lines.status() == ""
    lines.stage_opened(source)
    lines.stage_left(source)
    assert lines.status() == ""


def test_a_block_is_told_and_is_the_status_unless_a_stage_is_at_work(
    source: Recipe, scene: Scene, said: Callable[[], list[tuple[str, str]]]
) -> None:
    both, left = Callbacks([scene.lines, Callback()]), ["3 trials run", "2 trials run"]
    with both.doing("starting Ray"):
        scene.now += 5
        assert scene.lines.status() == "starting Ray, 5 s so far"
        with both.doing(left.pop):
            assert scene.lines.status() == "2 trials run, 0 s so far"
            assert scene.lines.status() == "3 trials run, 0 s so far"
        both.stage_opened(source)
        assert scene.lines.status() == "source (seed 0), 0 s so far"
        both.stage_left(source)
        assert scene.lines.status() == "starting Ray, 5 s so far"
    assert scene.lines.status() == ""
    assert said() == [("INFO", "starting Ray")]


def test_of_many_stages_three_are_named(comparison: Comparison, scene: Scene) -> None:
    for number in range(5):
        scene.lines.stage_opened(transfer_recipe(comparison.experiment, comparison.dataset, number))
    named = "; ".join(f"tgkt (seed {number}), 0 s so far" for number in range(3))
    assert scene.lines.status() == f"{named}; 2 more"


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.9, "0 s"), (59.9, "59 s"), (190, "3 min 10 s"), (3600, "1 h 0 min"), (7800, "2 h 10 min")]
)
def test_durations(seconds: float, text: str) -> None:
    assert duration(seconds) == text
