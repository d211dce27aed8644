"""Renders example images as a user may have them: labelled RGB, pairs of other things, and depth images of the task.

    python examples/make_images.py images [--source 1200 --pairs 600 --target 600 --size 48]

FOLDER/rgb/CLASS/*.png            for training a classifier, by whatever means; not for the transfer
FOLDER/transfer/pairs/source/*    RGB of other solids, and their depth under the same names
FOLDER/transfer/pairs/target/*
FOLDER/transfer/target/*          depth of the task's solids, unlabelled
FOLDER/transfer/target_labels.csv their labels, which only scoring opens
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

import pyarrow.parquet as pq

from sfcmt.data.dataset import Dataset
from sfcmt.data.synthetic.dataset import SyntheticSpec, write_synthetic


def main() -> None:
    """Render into a data set of sfcmt, and take that apart into plain files."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    for name, default in (("source", 1200), ("pairs", 600), ("target", 600), ("size", 48)):
        parser.add_argument(f"--{name}", type=int, default=default)
    given = vars(parser.parse_args())
    folder: Path = given.pop("folder")
    with tempfile.TemporaryDirectory() as place:
        data = Path(place) / "data"
        write_synthetic(data, SyntheticSpec(**given))
        write_files(data, folder)


def write_files(data: Path, folder: Path) -> None:
    """The rows of a data set's Parquet files as image files."""
    names = Dataset(data).classes
    for row in pq.read_table(data / "source.parquet").to_pylist():
        _write(folder / "rgb" / names[row["label"]] / f"{row['id']}.png", row["image"])
    for row in pq.read_table(data / "pairs.parquet").to_pylist():
        for side in ("source", "target"):
            _write(folder / "transfer" / "pairs" / side / f"{row['id']}.png", row[f"{side}_image"])
    for row in pq.read_table(data / "target.parquet").to_pylist():
        _write(folder / "transfer" / "target" / f"{row['id']}.png", row["image"])
    labels = pq.read_table(data / "sealed" / "target_labels.parquet").to_pylist()
    lines = ["file,label", *(f"{row['id']}.png,{names[row['label']]}" for row in labels)]
    (folder / "transfer" / "target_labels.csv").write_text("\n".join(lines) + "\n")


def _write(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


if __name__ == "__main__":
    main()
