"""What every importer must do, whatever its layout. A new importer needs an entry in `TREES`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from sfcmt.data.dataset import Dataset
from sfcmt.data.importer import IMPORTERS, import_dataset
from sfcmt.testing.importers import Build, ImporterContract
from tests.data.trees import TREES, save


def test_no_importer_is_left_out() -> None:
    assert set(TREES) == set(IMPORTERS)


class TestImporters(ImporterContract):
    """Each of ours."""

    @pytest.fixture(params=sorted(TREES))
    def importer(self, request: pytest.FixtureRequest) -> str:
        return str(request.param)

    @pytest.fixture
    def build(self, importer: str) -> Build:
        return TREES[importer].build

    @pytest.fixture
    def damage(self, importer: str) -> Callable[[Path], object]:
        return TREES[importer].damage


@pytest.mark.parametrize("name", sorted(TREES.keys() - {"crops"}))
def test_what_a_computer_adds_changes_nothing(name: str, tmp_path: Path) -> None:
    root = TREES[name].build(tmp_path)
    image = next(path for path in sorted(root.rglob("*")) if path.suffix in (".jpg", ".png", ".tiff"))
    import_dataset(root, tmp_path / "before", name, {})
    save(image.with_name(f"._{image.name}"), b"of another system")
    save(image.parent / ".ipynb_checkpoints" / image.name, image.read_bytes())
    save(image.parent / "Thumbs.db", b"x")
    (image.parents[1] / "moved").mkdir()
    image.parent.rename(image.parents[1] / "moved" / "away")
    (tmp_path / "elsewhere").mkdir()
    image.parents[1].joinpath("moved").rename(tmp_path / "elsewhere" / "moved")
    image.parent.symlink_to(tmp_path / "elsewhere" / "moved" / "away")
    skipped = import_dataset(root, tmp_path / "after", name, {}, strict=True)
    assert all("hidden, or kept by the system" in line for line in skipped)
    assert Dataset(tmp_path / "after").whole_digest == Dataset(tmp_path / "before").whole_digest
