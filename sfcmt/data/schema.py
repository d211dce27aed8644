"""The on-disk format of a data set: one folder of Parquet files and a manifest.

    FOLDER/
      manifest.json                   names, classes, normalisation, sha256 of each file, provenance
      source.parquet                  TR source: id, group, image, label
      pairs.parquet                   TI pairs: id, group, source_image, target_image
      target.parquet                  TR target: id, image (rows in shuffled order)
      frames.parquet                  TR target: id, frame: rows of one frame have one number
      sealed/target_labels.parquet    id, label, group (optional: real users have none)
      sealed/target_source.parquet    id, image: the same scenes in the source modality (optional, oracle rows only)
      sealed/origins.parquet          id, origin: where each row was imported from (paths may name classes)

Images are encoded bytes: source images 3 x 8 bit; target images any number of channels, the same in all rows, of 8 or
16 bit or float32. They are PNG or JPEG files, or NumPy's `.npy` where a PNG cannot hold them: those that were imported,
where `decode` finds in them what the import found, else the pixels encoded without loss (of TIFFs, of images that
were turned, of those with invalid values). `group` names the frame
that a row was cut from, as a digest, so that rows of one frame stay on one side of a split.
"""

from __future__ import annotations

from enum import StrEnum

import pyarrow as pa

MIN_TARGET = 2
"""Fewest target images that can be trained on: batch norm has no statistics of one."""


class Split(StrEnum):
    """The parts of a data set that training may read."""

    SOURCE = "source"
    PAIRS = "pairs"
    TARGET = "target"


class Public(StrEnum):
    """What is known of the rows of a split, and tells no label: no digest of a data set rests on it."""

    FRAMES = "frames"


class Sealed(StrEnum):
    """The parts of a data set that only `sfcmt.evaluation` may read."""

    LABELS = "target_labels"
    REAL_SOURCE = "target_source"
    ORIGINS = "origins"


Part = Split | Public | Sealed

_ID = pa.field("id", pa.string(), nullable=False)
_GROUP = pa.field("group", pa.string(), nullable=False)
_LABEL = pa.field("label", pa.int32(), nullable=False)


def _image(name: str) -> pa.Field:
    return pa.field(name, pa.binary(), nullable=False)


SCHEMAS: dict[Part, pa.Schema] = {
    Split.SOURCE: pa.schema([_ID, _GROUP, _image("image"), _LABEL]),
    Split.PAIRS: pa.schema([_ID, _GROUP, _image("source_image"), _image("target_image")]),
    Split.TARGET: pa.schema([_ID, _image("image")]),
    Public.FRAMES: pa.schema([_ID, pa.field("frame", pa.int32(), nullable=False)]),
    Sealed.LABELS: pa.schema([_ID, _LABEL, _GROUP]),
    Sealed.REAL_SOURCE: pa.schema([_ID, _image("image")]),
    Sealed.ORIGINS: pa.schema([_ID, pa.field("origin", pa.string(), nullable=False)]),
}


def file_name(part: Part) -> str:
    """Path of a part's file inside the data set's folder."""
    return f"sealed/{part}.parquet" if isinstance(part, Sealed) else f"{part}.parquet"
