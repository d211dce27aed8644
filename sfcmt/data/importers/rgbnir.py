"""Importer of the RGB-NIR scene data set (Brown and Susstrunk, CVPR 2011), as downloaded."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from sfcmt.data.class_names import class_folders
from sfcmt.data.frames import Frame, by_class, by_stem, partner, refuse_widowed, write
from sfcmt.data.importer import IMPORTERS, Importer, ImportOptions, Names
from sfcmt.data.scanner import Scanner
from sfcmt.data.writer import DatasetInfo
from sfcmt.errors import DataError
from sfcmt.text_files import composed


class RgbNirOptions(ImportOptions):
    """Options of the importer of RGB-NIR scenes."""

    tr_classes: Names = Field((), description="Task-relevant classes, by commas; by default the 6 with most images.")
    source_fraction: float = Field(0.5, gt=0, lt=1, description="Share of the task-relevant images that are source.")


@IMPORTERS.register("rgbnir")
class RgbNir(Importer[RgbNirOptions]):
    """CLASS/NNNN_rgb.tiff beside CLASS/NNNN_nir.tiff."""

    options = RgbNirOptions

    def recognises(self, path: Path) -> bool:
        return next(path.glob("*/*_rgb.[tT][iI][fF]*"), None) is not None

    def run(self, source: Path, destination: Path, options: RgbNirOptions) -> None:
        frames = _frames(source, self.scanner)
        division = by_class(frames, options.tr_classes, options.source_fraction, source)
        info = DatasetInfo(
            name=destination.name,
            source_modality="rgb",
            target_modality="nir",
            classes=division.classes,
            provenance=options.provenance("rgbnir", source),
            source_images=options.source_images,
            pairs=options.pairs,
            reading=options.reading,
        )
        write(division, source, destination, info, self.scanner)


def _frames(root: Path, scanner: Scanner) -> list[Frame]:
    folders, strays = class_folders(root, scanner)
    images = [image for folder in folders for image in _images_of(folder, scanner)]
    visible, infrared = by_stem(images, "_rgb"), by_stem(images, "_nir")
    for other in (*strays, *sorted({*images} - {*visible.values(), *infrared.values()})):
        scanner.skip(other, "neither CLASS/*_rgb nor CLASS/*_nir")
    if not visible:
        raise DataError(f"{root}: no CLASS/NNNN_rgb.tiff here")
    frames = [
        Frame(image, partner(stem, "_nir", infrared, image, root), composed(stem.parent.name), _group(stem))
        for stem, image in visible.items()
    ]
    refuse_widowed(infrared.values(), frames, root)
    return frames


def _images_of(folder: Path, scanner: Scanner) -> list[Path]:
    deeper, files = scanner.listed(folder)
    for one in deeper:
        scanner.skip(one, "no part of this layout")
    if not (images := scanner.readable(files)):
        raise DataError(f"{folder}: no images of this class{scanner.skipped_in(folder)}")
    return images


def _group(stem: Path) -> str:
    return f"{stem.parent.name}/{stem.name}"
