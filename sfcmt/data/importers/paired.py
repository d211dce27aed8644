"""Importer of plain folders: labelled source images, pairs by name, unlabelled target images."""

from __future__ import annotations

import csv
from pathlib import Path

from pydantic import Field

from sfcmt.data.image_files import image_files, pairs_by_name
from sfcmt.data.importer import IMPORTERS, Importer, ImportOptions
from sfcmt.data.manifest import Holes
from sfcmt.data.writer import DatasetInfo, DatasetWriter
from sfcmt.errors import DataError

_LABELS = "target_labels.csv"


class PairedOptions(ImportOptions):
    """Options of the importer of plain folders."""

    source_modality: str = Field("rgb", description="Name of the source modality.")
    target_modality: str = Field("depth", description="Name of the target modality.")
    holes: Holes = Field("keep", description="What to do with target pixels of value 0: keep, fill or mask them.")


@IMPORTERS.register("paired")
class Paired(Importer[PairedOptions]):
    """ROOT/source/CLASS/*, ROOT/pairs/source/** and ROOT/pairs/target/** paired by name, ROOT/target/**.

    Optional: ROOT/source (without it, bring a source model), and ROOT/target_labels.csv with the columns file (below
    target/) and label (a class's name), which is sealed.
    """

    options = PairedOptions

    def recognises(self, path: Path) -> bool:
        return all((path / part).is_dir() for part in ("pairs/source", "pairs/target", "target"))

    def run(self, source: Path, destination: Path, options: PairedOptions) -> None:
        classes = tuple(sorted({file.parent.name for file in _class_images(source)} or _named_labels(source)))
        pairs = pairs_by_name(source / "pairs/source", source / "pairs/target")
        labels = _target_labels(source, classes)
        info = DatasetInfo(
            name=destination.name,
            source_modality=options.source_modality,
            target_modality=options.target_modality,
            classes=classes,
            provenance=options.provenance("paired", source),
            source_images=options.source_images,
            holes=options.holes,
        )
        with DatasetWriter(destination, info) as writer:
            for file in _class_images(source):
                name = file.relative_to(source).as_posix()
                writer.add_source(file.read_bytes(), classes.index(file.parent.name), name, name)
            for stem, (first, second) in pairs.items():
                writer.add_pair(first.read_bytes(), second.read_bytes(), f"pairs/{stem}", f"pairs {stem}")
            for file in image_files(source / "target"):
                name = file.relative_to(source).as_posix()
                writer.add_target(file.read_bytes(), name, name, label=labels.get(file))


def _class_images(root: Path) -> list[Path]:
    files = image_files(root / "source")
    for file in files:
        if file.parent.parent != root / "source":
            raise DataError(f"{file.relative_to(root)}: a source image must lie in source/CLASS/")
    return files


def _named_labels(root: Path) -> set[str]:
    """The classes that the file of labels names, if there is one."""
    if not (root / _LABELS).is_file():
        return set()
    with (root / _LABELS).open(newline="") as stream:
        return {row["label"] for row in csv.DictReader(stream, restval="") if row.get("label")}


def _target_labels(root: Path, classes: tuple[str, ...]) -> dict[Path, int]:
    """The label of each target image; none at all without the file of labels."""
    path = root / _LABELS
    if not path.is_file():
        return {}
    images, labels = dict.fromkeys(image_files(root / "target")), dict[Path, int]()
    with path.open(newline="") as stream:
        reader = csv.DictReader(stream, restval="")
        if sorted(reader.fieldnames or ()) != ["file", "label"]:
            raise DataError(f"{path}: its columns must be file and label, not {reader.fieldnames}")
        for row in reader:
            where, file = f"{path} line {reader.line_num}", root / "target" / row["file"]
            if file not in images or file in labels:
                raise DataError(f"{where}: {row['file']!r} must be an image below target/, named once")
            if row["label"] not in classes:
                raise DataError(f"{where}: label {row['label']!r} is none of the classes {', '.join(classes)}")
            labels[file] = classes.index(row["label"])
    unlabelled = [file for file in images if file not in labels]
    if unlabelled:
        raise DataError(f"{path}: no row for {unlabelled[0].relative_to(root / 'target')}")
    return labels
