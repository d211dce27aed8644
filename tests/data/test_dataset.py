"""Opening: changed, missing and foreign files are refused; what the digest covers; the hold-out."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from sfcmt.data.dataset import Dataset, holdout_mask, read_part
from sfcmt.data.importer import import_dataset
from sfcmt.data.manifest import Manifest
from sfcmt.data.reading import Reading
from sfcmt.data.schema import SCHEMAS, Sealed, Split, file_name
from sfcmt.errors import DataError
from sfcmt.file_digests import sha256_of
from tests.data.trees import crops_tree


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    import_dataset(crops_tree(tmp_path), tmp_path / "data", "crops", {})
    return tmp_path / "data"


def edit_manifest(folder: Path, **changes: object) -> None:
    path = folder / "manifest.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def test_parts_have_their_schema(folder: Path) -> None:
    dataset = Dataset(folder)
    for part in (*Split, *Sealed):
        assert read_part(folder, dataset.manifest, part).schema == SCHEMAS[part]


@pytest.mark.parametrize("part", [*Split, *Sealed])
def test_a_changed_file_is_refused(part: Split | Sealed, folder: Path) -> None:
    path = folder / file_name(part)
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    with pytest.raises(DataError, match=f"{part}.parquet: changed since the import"):
        read_part(folder, Dataset(folder).manifest, part)


def test_a_missing_file_matters_only_when_it_is_read(folder: Path) -> None:
    (folder / "source.parquet").unlink()
    dataset = Dataset(folder)
    assert len(dataset.table(Split.TARGET)) == 12
    with pytest.raises(DataError, match=r"source.parquet: missing, though the manifest lists it"):
        dataset.table(Split.SOURCE)


def test_a_file_of_other_columns_is_refused(folder: Path) -> None:
    path = folder / "target.parquet"
    pq.write_table(pa.table({"id": ["target-0"]}), path)
    files = json.loads((folder / "manifest.json").read_text())["files"]
    edit_manifest(folder, files=files | {"target": {"rows": 1, "sha256": sha256_of(path)}})
    with pytest.raises(DataError, match="its columns are not those of a target file"):
        Dataset(folder).table(Split.TARGET)


def test_columns_are_read_without_the_images(folder: Path) -> None:
    dataset = Dataset(folder)
    found = dataset.columns(Split.SOURCE, "label", "group")
    assert sorted(found.column_names) == ["group", "label"]
    assert found["label"].equals(dataset.table(Split.SOURCE)["label"])


def test_a_manifest_is_read_with_a_mark_and_names_in_any_form(folder: Path) -> None:
    text = (folder / "manifest.json").read_text().replace('"bed"', '"cafe\\u0301"')
    (folder / "manifest.json").write_text(text, encoding="utf-8-sig")
    assert Dataset(folder).classes == ("caf\xe9", "chair")


def test_a_folder_without_manifest_is_no_data_set(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no data set here"):
        Dataset(tmp_path)


def test_a_wrong_manifest_names_the_field(folder: Path) -> None:
    edit_manifest(folder, holes="patch")
    with pytest.raises(DataError, match=r"manifest.json: holes: Input should be 'keep', 'fill' or 'mask'"):
        Dataset(folder)


def test_a_part_that_the_manifest_lacks_is_named(folder: Path) -> None:
    edit_manifest(folder, sealed={})
    with pytest.raises(DataError, match=r"data has no sealed/target_labels.parquet"):
        read_part(folder, Dataset(folder).manifest, Sealed.LABELS)


def test_the_digest_covers_what_a_stage_reads_and_nothing_sealed(folder: Path) -> None:
    before = {split: Dataset(folder).digest(split) for split in Split}
    assert len(set(before.values())) == 3
    edit_manifest(folder, sealed={}, name="renamed", provenance={})
    assert {split: Dataset(folder).digest(split) for split in Split} == before
    edit_manifest(folder, holes="mask")
    changed = {split for split in Split if Dataset(folder).digest(split) != before[split]}
    assert changed == {Split.PAIRS, Split.TARGET}  # one source model serves every target


def test_models_that_read_files_in_other_ways_are_others(folder: Path) -> None:
    before = Dataset(folder).digest(Split.TARGET)
    for reading in ({"invalid": [65535]}, {"unit": "mm"}, {"rotated_bits": 3}):
        edit_manifest(folder, reading=reading)
        assert Dataset(folder).digest(Split.TARGET) != before
    manifest = json.loads((folder / "manifest.json").read_text())
    del manifest["reading"]
    (folder / "manifest.json").write_text(json.dumps(manifest | {"format": 1}))
    assert Dataset(folder).digest(Split.TARGET) == before


@pytest.mark.parametrize(("importer", "rotated"), [("crops", 0), ("sunrgbd", 3)])
def test_data_sets_of_format_1_were_read_as_their_release_did(folder: Path, importer: str, rotated: int) -> None:
    manifest = json.loads((folder / "manifest.json").read_text())
    assert (manifest["format"], manifest["reading"]["upright"]) == (3, True)
    del manifest["reading"]
    manifest |= {"format": 1, "provenance": {"importer": importer}}
    (folder / "manifest.json").write_text(json.dumps(manifest))
    assert Dataset(folder).manifest.reading == Reading(upright=False, rotated_bits=rotated)
    again = Manifest.model_validate(Dataset(folder).manifest.model_dump(mode="json"))
    assert again == Dataset(folder).manifest


def test_a_manifest_of_a_newer_format_is_refused(folder: Path) -> None:
    edit_manifest(folder, format=4)
    with pytest.raises(DataError, match=r"manifest.json: format: Input should be 1, 2 or 3"):
        Dataset(folder)


def test_holdout_keeps_groups_whole_and_close_to_the_fraction() -> None:
    groups = pa.chunked_array([[f"g{number // 3}" for number in range(3000)]])
    mask = holdout_mask(groups, 0.2)
    assert (mask.reshape(-1, 3).all(axis=1) == mask.reshape(-1, 3).any(axis=1)).all()
    assert 0.15 < mask.mean() < 0.25
    assert not (mask & ~holdout_mask(groups, 0.4)).any()  # a larger hold-out contains a smaller one
    assert not holdout_mask(groups, 0).any()
    assert holdout_mask(groups, 1).all()
