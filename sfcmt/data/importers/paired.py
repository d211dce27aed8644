"""Importer of plain folders: labelled source images, pairs by name, unlabelled target images."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from sfcmt.data.class_names import class_folders
from sfcmt.data.importer import IMPORTERS, Importer, ImportOptions
from sfcmt.data.manifest import Holes
from sfcmt.data.paired_files import pairs_by_name
from sfcmt.data.scanner import Scanner
from sfcmt.data.writer import DatasetInfo, DatasetWriter
from sfcmt.errors import DataError
from sfcmt.listing import listed
from sfcmt.text_files import composed, read_rows

_LABELS = "target_labels.csv"
_PARTS = {"source", "pairs", "target"}


class PairedOptions(ImportOptions):
    """Options of the importer of plain folders."""

    source_modality: str = Field("rgb", description="Name of the source modality.")
    target_modality: str = Field("depth", description="Name of the target modality.")
    holes: Holes = Field("keep", description="What to do with target pixels of value 0: keep, fill or mask them.")


@IMPORTERS.register("paired")
class Paired(Importer[PairedOptions]):
    """ROOT/source/CLASS/*, ROOT/pairs/source/** and ROOT/pairs/target/** paired by name, ROOT/target/**.

    Optional: ROOT/source (without it, bring a source model), ROOT/pairs (without it, use a method that needs none), and
    ROOT/target_labels.csv with the columns file (below target/) and label (a class's name), which is sealed.
    """

    options = PairedOptions

    def recognises(self, path: Path) -> bool:
        return (path / "target").is_dir()

    def run(self, source: Path, destination: Path, options: PairedOptions) -> None:
        _skip_others(source, self.scanner)
        labelled = _class_images(source, self.scanner)
        has_pairs = options.pairs and (source / "pairs").exists()
        sides = (source / "pairs/source", source / "pairs/target", self.scanner)
        pairs = pairs_by_name(*sides) if has_pairs else {}
        targets = self.scanner.images(source / "target")
        if not targets:
            raise DataError(f"{source / 'target'}: no images{self.scanner.skipped_in(source / 'target')}")
        named = _named_labels(source)
        classes = tuple(sorted(labelled or {name for _, _, name in named}))
        labels = _target_labels(source, targets, named, classes)
        info = DatasetInfo(
            name=destination.name,
            source_modality=options.source_modality,
            target_modality=options.target_modality,
            classes=classes,
            provenance=options.provenance("paired", source),
            source_images=options.source_images,
            pairs=has_pairs,
            reading=options.reading,
            holes=options.holes,
        )
        with DatasetWriter(destination, info, skip=self.scanner.skip_image) as writer:
            for label, class_name in enumerate(classes):
                for file in labelled.get(class_name, ()):
                    name = file.relative_to(source).as_posix()
                    writer.add_source(file, label, name, name)
            for stem, (first, second) in pairs.items():
                writer.add_pair(first, second, f"pairs/{stem}", f"pairs {stem}")
            for file in targets:
                name = file.relative_to(source).as_posix()
                writer.add_target(file, name, name, label=labels.get(file))


def _skip_others(root: Path, scanner: Scanner) -> None:
    folders, files = scanner.listed(root)
    others = [path for path in (*folders, *files) if path.name not in (*_PARTS, _LABELS)]
    if (root / "pairs").is_dir():
        halves, strays = scanner.listed(root / "pairs")
        others += [path for path in (*halves, *strays) if path.name not in ("source", "target")]
    for path in others:
        scanner.skip(path, "no part of this layout")


def _class_images(root: Path, scanner: Scanner) -> dict[str, list[Path]]:
    """The source images of each class; none without source/."""
    if not (root / "source").exists():
        return {}
    folders, strays = class_folders(root / "source", scanner)
    for file in scanner.readable(strays):
        raise DataError(f"{file.relative_to(root)}: a source image must lie in source/CLASS/")
    return {composed(folder.name): _images_of(folder, root, scanner) for folder in folders}


def _images_of(folder: Path, root: Path, scanner: Scanner) -> list[Path]:
    files = scanner.images(folder)
    for file in files:
        if file.parent != folder:
            raise DataError(f"{file.relative_to(root)}: a source image must lie in source/CLASS/")
    if not files:
        raise DataError(f"{folder}: no images of this class{scanner.skipped_in(folder)}")
    return files


def _named_labels(root: Path) -> list[tuple[str, str, str]]:
    """The rows of the file of labels, if there is one: place, file, label."""
    path = root / _LABELS
    if not path.exists():
        return []
    return [(where, row["file"], row["label"]) for where, row in read_rows(path, ["file", "label"])]


def _target_labels(
    root: Path, targets: list[Path], named: list[tuple[str, str, str]], classes: tuple[str, ...]
) -> dict[Path, int]:
    """The label of each target image; none at all without the file of labels."""
    if not (root / _LABELS).exists():
        return {}
    images = {composed(file.relative_to(root / "target").as_posix()): file for file in targets}
    place = {name: label for label, name in enumerate(classes)}
    labels = dict[Path, int]()
    for where, name, label in named:
        file = images.get(name.replace("\\", "/"))
        if file is None or file in labels:
            raise DataError(f"{where}: {name!r} must be an image below target/, named once")
        if label not in place:
            raise DataError(f"{where}: label {label!r} is none of the classes {listed(classes)}")
        labels[file] = place[label]
    unlabelled = [file for file in targets if file not in labels]
    if unlabelled:
        raise DataError(f"{root / _LABELS}: no row for {unlabelled[0].relative_to(root / 'target')}")
    return labels
