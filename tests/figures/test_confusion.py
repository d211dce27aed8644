"""The confusion matrix shows counts, and colours them by the share of the true class."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from matplotlib import colormaps

from sfcmt.figures.confusion import confusion_figure
from tests.figures.pictures import drawn

CLASSES = ("bed", "chair", "lamp")
COUNTS = torch.tensor([[6, 2, 0], [30, 10, 0], [0, 0, 0]])


def test_it_names_axes_and_classes_and_writes_every_count() -> None:
    axes = confusion_figure(COUNTS, CLASSES).axes[0]
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("predicted", "true")
    assert [label.get_text() for label in axes.get_xticklabels()] == list(CLASSES)
    assert [label.get_text() for label in axes.get_yticklabels()] == list(CLASSES)
    written = {(int(text.get_position()[1]), int(text.get_position()[0])): text.get_text() for text in axes.texts}
    assert written == {(row, column): str(int(COUNTS[row, column])) for row in range(3) for column in range(3)}


def test_cells_are_coloured_by_the_share_of_the_true_class() -> None:
    figure = confusion_figure(COUNTS, CLASSES)
    pixels, axes = drawn(figure), figure.axes[0]
    shares = [[0.75, 0.25, 0.0], [0.75, 0.25, 0.0], [0.0] * 3]  # a class without images is empty, not NaN
    for row in range(3):
        for column in range(3):
            x, y = axes.transData.transform((column - 0.4, row - 0.4))  # beside the number
            found = pixels[len(pixels) - 1 - int(y), int(x)]
            expected = np.array(colormaps["Blues"](shares[row][column])[:3]) * 255
            assert np.abs(found - expected).max() < 2, (row, column)


def test_numbers_on_dark_cells_are_white() -> None:
    colours = {text.get_text(): text.get_color() for text in confusion_figure(COUNTS, CLASSES).axes[0].texts}
    assert (colours["30"], colours["10"], colours["0"]) == ("white", "black", "black")


def test_of_a_thousand_classes_the_commonest_confusions_are_shown() -> None:
    counts = 20 * torch.eye(1000, dtype=torch.int64)
    counts[7, 3], counts[7, 7], counts[5, 999], counts[2, 1] = 16, 4, 9, 1
    figure = confusion_figure(counts, ["a class with a name that no axis has room for", *map(str, range(1, 1000))])
    (axes,) = figure.axes
    assert [label.get_text() for label in axes.get_yticklabels()] == ["7 \u2192 3", "5 \u2192 999", "2 \u2192 1"]
    assert [text.get_text() for text in axes.texts] == ["16", "9", "1"]
    assert [bar.get_width() for bar in axes.patches] == pytest.approx([0.8, 9 / 29, 1 / 21])  # type: ignore[attr-defined]
    assert drawn(figure).shape[0] < 3000


def test_many_classes_that_are_never_confused_have_no_bar() -> None:
    assert not confusion_figure(torch.eye(50, dtype=torch.int64), [*map(str, range(50))]).axes[0].patches
