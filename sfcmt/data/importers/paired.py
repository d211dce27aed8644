"""Importer of plain folders: labelled source images, pairs by name, unlabelled target images."""

from __future__ import annotations

import csv
from pathlib import Path

from pydantic import Field

from sfcmt.data.importer import IMPORTERS, Importer, ImportOptions
from sfcmt.data.manifest import Holes
from sfcmt.data.writer import DatasetInfo, DatasetWriter
from sfcmt.errors import DataError

_SUFFIXES = {".png", ".jpg", ".jpeg", ".tif", ".tiff"}
_LABELS = "target_labels.csv"


class PairedOptions(ImportOptions):
    """Options of the importer of plain folders."""

    source_modality: str = Field("rgb", description="Name of the source modality.")
    target_modality: str = Field("depth", description="Name of the target modality.")
    holes: Holes = Field("keep", description="What to do with target pixels of value 0: keep, fill or mask them.")


@IMPORTERS.register("paired")
class Paired(Importer[PairedOptions]):
    """ROOT/source/CLASS/*, ROOT/pairs/source/** and ROOT/pairs/target/** paired by name, ROOT/target/**.

    ROOT/target_labels.csv, with the columns file (below target/) and label (a class's name), is optional and sealed.
    """

    options = PairedOptions

    def recognises(self, path: Path) -> bool:
        return all((path / part).is_dir() for part in ("source", "pairs/source", "pairs/target", "target"))

    def run(self, source: Path, destination: Path, options: PairedOptions) -> None:
        classes = tuple(sorted({file.parent.name for file in _class_images(source)}))
        pairs, labels = _pairs(source), _target_labels(source, classes)
        info = DatasetInfo(
            name=destination.name,
            source_modality=options.source_modality,
            target_modality=options.target_modality,
            classes=classes,
            provenance=options.provenance("paired", source),
            holes=options.holes,
        )
        with DatasetWriter(destination, info) as writer:
            for file in _class_images(source):
                name = file.relative_to(source).as_posix()
                writer.add_source(file.read_bytes(), classes.index(file.parent.name), name, name)
            for stem, (first, second) in pairs.items():
                writer.add_pair(first.read_bytes(), second.read_bytes(), f"pairs/{stem}", f"pairs {stem}")
            for file in _images(source / "target"):
                name = file.relative_to(source).as_posix()
                writer.add_target(file.read_bytes(), name, name, label=labels.get(file))


def _images(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.suffix.lower() in _SUFFIXES)


def _class_images(root: Path) -> list[Path]:
    files = _images(root / "source")
    for file in files:
        if file.parent.parent != root / "source":
            raise DataError(f"{file.relative_to(root)}: a source image must lie in source/CLASS/")
    return files


def _pairs(root: Path) -> dict[str, tuple[Path, Path]]:
    first, second = _by_stem(root, "pairs/source"), _by_stem(root, "pairs/target")
    alone = sorted(first.keys() ^ second.keys())
    if alone:
        there, missing = ("source", "target") if alone[0] in first else ("target", "source")
        raise DataError(f"pairs/{there}/{alone[0]}: its partner in pairs/{missing} is missing")
    return {stem: (first[stem], second[stem]) for stem in first}


def _by_stem(root: Path, part: str) -> dict[str, Path]:
    files: dict[str, Path] = {}
    for file in _images(root / part):
        stem = file.relative_to(root / part).with_suffix("").as_posix()
        if files.setdefault(stem, file) != file:
            raise DataError(f"{file.relative_to(root)}: {files[stem].name} beside it has the same name")
    return files


def _target_labels(root: Path, classes: tuple[str, ...]) -> dict[Path, int]:
    """The label of each target image; none at all without the file of labels."""
    path = root / _LABELS
    if not path.is_file():
        return {}
    images, labels = dict.fromkeys(_images(root / "target")), dict[Path, int]()
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
