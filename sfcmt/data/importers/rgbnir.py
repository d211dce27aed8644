"""Importer of the RGB-NIR scene data set (Brown and Susstrunk, CVPR 2011), as downloaded."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from sfcmt.data.frames import Frame, by_class, partner, refuse_widowed, write
from sfcmt.data.importer import IMPORTERS, Importer, ImportOptions, Names
from sfcmt.data.writer import DatasetInfo
from sfcmt.errors import DataError


class RgbNirOptions(ImportOptions):
    """Options of the importer of RGB-NIR scenes."""

    tr_classes: Names = Field((), description="Task-relevant classes, by commas; by default the 6 with most images.")
    source_fraction: float = Field(0.5, gt=0, lt=1, description="Share of the task-relevant images that are source.")


@IMPORTERS.register("rgbnir")
class RgbNir(Importer[RgbNirOptions]):
    """CLASS/NNNN_rgb.tiff beside CLASS/NNNN_nir.tiff."""

    options = RgbNirOptions

    def recognises(self, path: Path) -> bool:
        return next(path.glob("*/*_rgb.tiff"), None) is not None

    def run(self, source: Path, destination: Path, options: RgbNirOptions) -> None:
        frames = [_frame(image, source) for image in sorted(source.glob("*/*_rgb.tiff"))]
        if not frames:
            raise DataError(f"{source}: no CLASS/NNNN_rgb.tiff here")
        refuse_widowed(list(source.glob("*/*_nir.tiff")), frames, source)
        division = by_class(frames, options.tr_classes, options.source_fraction, source)
        info = DatasetInfo(
            name=destination.name,
            source_modality="rgb",
            target_modality="nir",
            classes=division.classes,
            provenance=options.provenance("rgbnir", source),
            source_images=options.source_images,
        )
        write(division, source, destination, info)


def _frame(image: Path, root: Path) -> Frame:
    number = image.name.removesuffix("_rgb.tiff")
    nir = partner(image.with_name(f"{number}_nir.tiff"), root)
    return Frame(image, nir, image.parent.name, f"{image.parent.name}/{number}")
