"""What an import says that it has found."""

from __future__ import annotations

from pathlib import Path

import pytest
from rich.console import Console

from sfcmt.data.dataset import Dataset
from sfcmt.data.import_summary import ClassCounts, class_counts, class_table, counts_line, warnings_of
from sfcmt.data.writer import DatasetInfo, DatasetWriter
from tests.data.trees import grey, rgb


def dataset_of(folder: Path, targets: int = 2) -> Dataset:
    """Three cats and a dog, and nothing of the third class."""
    with DatasetWriter(folder, DatasetInfo("toy", "rgb", "depth", ("cat", "dog", "eel"), {})) as writer:
        for number, label in enumerate((0, 0, 0, 1)):
            writer.add_source(rgb(number).transpose(2, 0, 1), label, f"s{number}", "s")
        writer.add_pair(rgb(0).transpose(2, 0, 1), grey(0)[None], "p", "p")
        for number in range(targets):
            writer.add_target(grey(number)[None], f"t{number}", "t", label=0)
    return Dataset(folder)


def printed(counts: list[ClassCounts]) -> list[str]:
    console = Console(width=80, record=True, quiet=False)
    with console.capture() as capture:
        console.print(class_table(counts))
    return [line.rstrip() for line in capture.get().splitlines()]


def test_each_class_has_a_row_and_what_is_missing_is_told(tmp_path: Path) -> None:
    dataset = dataset_of(tmp_path / "data")
    counts = class_counts(dataset)
    assert [(name, trained + held) for name, trained, held in counts] == [("cat", 3), ("dog", 1), ("eel", 0)]
    assert counts[1] == ("dog", 1, 0)
    assert len(printed(counts)) == 4
    assert warnings_of(dataset, counts) == ["warning: no source images of: eel"]
    assert counts_line(dataset) == "4 source, 1 pairs, 2 target; sealed: 7 origins, 2 target_labels"


def test_one_target_image_is_told(tmp_path: Path) -> None:
    dataset = dataset_of(tmp_path / "data", targets=1)
    assert warnings_of(dataset, []) == ["warning: 1 target image; training needs at least 2"]


@pytest.mark.parametrize(("classes", "lines"), [(30, 31), (1000, 32)])
def test_of_many_classes_the_smallest_are_shown(classes: int, lines: int) -> None:
    found = printed([ClassCounts(f"c{number}", 1000 - number, 2) for number in range(classes)])
    assert len(found) == lines
    if classes == 1000:
        assert found[1].split() == ["c999", "1", "2"]
        assert found[-1].split() == ["970", "larger", "classes", str(sum(range(31, 1001))), "1940"]
