"""Finding models to audit."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch

from sfcmt.data.dataset import Dataset
from sfcmt.errors import ConfigError, DataError
from sfcmt.reports.audit.places import find_audited
from tests.reports.audit.audits import picked, target_ids


def logits_file(folder: Path, data: Path) -> Path:
    """Logits of somebody's model, which says the classes in turn."""
    classes = Dataset(data).classes
    ids = target_ids(data)
    logits_NK = torch.eye(len(classes))[torch.arange(len(ids)) % len(classes)].numpy()
    file = folder / "theirs.parquet"
    pq.write_table(pa.table({"id": ids, **{name: 3 * logits_NK[:, k] for k, name in enumerate(classes)}}), file)
    return file


def test_logits_of_anybody_are_audited_alone_or_against_a_study(tiny_data: Path, tmp_path: Path) -> None:
    file, study = logits_file(tmp_path, tiny_data), picked(tiny_data, tmp_path / "store")
    alone = find_audited(str(file), (), str(tmp_path / "store"), tiny_data)
    assert [model.name for model in alone.models] == ["theirs.parquet"]
    both = find_audited(str(study.folder), (str(file),), "")
    assert [model.name for model in both.models] == ["mine, trial 2", "theirs.parquet"]
    assert both.models[1].document == alone.models[0].document
    assert both.store.place == study.store.place


def test_logits_alone_need_the_data_set_and_have_to_be_of_it(tiny_data: Path, tmp_path: Path) -> None:
    file = logits_file(tmp_path, tiny_data)
    with pytest.raises(ConfigError, match="--data"):
        find_audited(str(file), (), str(tmp_path / "store"))
    table = pq.read_table(file)
    pq.write_table(table.slice(1), file)
    with pytest.raises(DataError, match="1 rows of the target images are missing"):
        find_audited(str(file), (), str(tmp_path / "store"), tiny_data)
