"""After the source stage nothing reads TR source images, and no stage ever reads what is sealed."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from sfcmt.data.manifest import MANIFEST
from sfcmt.data.schema import SCHEMAS, Sealed, file_name
from sfcmt.errors import DataError
from sfcmt.file_digests import sha256_of
from sfcmt.stages.method import METHODS
from sfcmt.testing.tiny import RECIPES, contents, get_or_train, tiny_experiment


def shuffle_labels(folder: Path) -> None:
    """Give each target image its neighbour's label, and make the manifest agree."""
    path = folder / file_name(Sealed.LABELS)
    table = pq.read_table(path)
    labels = table["label"].to_pylist()
    moved = pa.array(labels[1:] + labels[:1], pa.int32())
    changed = table.set_column(table.schema.get_field_index("label"), SCHEMAS[Sealed.LABELS].field("label"), moved)
    assert moved.to_pylist() != labels
    pq.write_table(changed, path)
    manifest = json.loads((folder / MANIFEST).read_text())
    manifest["sealed"][Sealed.LABELS]["sha256"] = sha256_of(path)
    (folder / MANIFEST).write_text(json.dumps(manifest))


@pytest.mark.slow
def test_no_stage_of_any_method_depends_on_labels(tiny_data: Path, tiny_store: Path, tmp_path: Path) -> None:
    """Nor needs them: `MethodContract` trains each method where nothing sealed is left."""
    folder = Path(shutil.copytree(tiny_data, tmp_path / "data"))
    shuffle_labels(folder)
    for method in METHODS:
        get_or_train("transfer", tiny_experiment(folder, tmp_path / "store").with_method(method))
        get_or_train("transfer", tiny_experiment(tiny_data, tiny_store).with_method(method))
    stages = list((tmp_path / "store" / "stages").iterdir())
    assert len(stages) == len(METHODS) + 2
    for stage in stages:
        assert contents(stage) == contents(tiny_store / "stages" / stage.name) != {}, stage


def test_a_transfer_runs_where_source_images_and_labels_do_not_exist(
    tiny_data: Path, tiny_store: Path, tmp_path: Path
) -> None:
    folder = Path(shutil.copytree(tiny_data, tmp_path / "data"))
    (folder / "source.parquet").unlink()
    shutil.rmtree(folder / "sealed")
    shutil.copytree(tiny_store / "stages", tmp_path / "store" / "stages", ignore=shutil.ignore_patterns("transfer-*"))
    here = get_or_train("transfer", tiny_experiment(folder, tmp_path / "store"))
    there = get_or_train("transfer", tiny_experiment(tiny_data, tiny_store))
    assert not here.reused
    assert here.identity == there.identity
    assert contents(here.path) == contents(there.path)


@pytest.mark.parametrize("kind", RECIPES)
def test_without_source_images_and_artifacts_the_missing_file_is_named(
    tiny_data: Path, tmp_path: Path, kind: str
) -> None:
    folder = Path(shutil.copytree(tiny_data, tmp_path / "data"))
    (folder / "source.parquet").unlink()
    with pytest.raises(DataError, match=r"source\.parquet: missing"):
        get_or_train(kind, tiny_experiment(folder, tmp_path / "store"))
