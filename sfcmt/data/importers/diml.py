"""Importer of DIML RGB-D indoor scenes (Cho et al., 2021), as downloaded, in low or high resolution."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from pydantic import Field

from sfcmt.data.frames import Frame, by_class, partner, refuse_widowed, write
from sfcmt.data.importer import IMPORTERS, Importer, ImportOptions, Names
from sfcmt.data.manifest import Holes
from sfcmt.data.writer import DatasetInfo
from sfcmt.errors import DataError

Resolution = Literal["LR", "HR"]
_COLOUR = "_c.png"


class DimlOptions(ImportOptions):
    """Options of the importer of DIML."""

    tr_classes: Names = Field((), description="Task-relevant classes, by commas; by default the 6 with most images.")
    source_fraction: float = Field(0.5, gt=0, lt=1, description="Share of the task-relevant images that are source.")
    resolution: Resolution = Field("LR", description="Which to read where there are folders LR and HR.")
    holes: Holes = Field("keep", description="What to do with missing depth (0): keep, fill or mask it.")


@IMPORTERS.register("diml")
class Diml(Importer[DimlOptions]):
    """SCENE/color/NAME_c.png beside depth_filled/, or SCENE/SESSION/col/NAME_c.png beside up_png/.

    Folders such as train, test, LR or HR may lie above; `12. Livingroom` and `01_Warehouse` are the classes
    Livingroom and Warehouse.
    """

    options = DimlOptions

    def recognises(self, path: Path) -> bool:
        above = ("", "*/", "*/*/")
        patterns = [f"{prefix}{tail}" for prefix in above for tail in ("*/color/*_c.png", "*/*/col/*_c.png")]
        return any(next(path.glob(pattern), None) for pattern in patterns)

    def run(self, source: Path, destination: Path, options: DimlOptions) -> None:
        frames = list(_frames(source, options.resolution))
        if not frames:
            raise DataError(f"{source}: no color/*{_COLOUR} or col/*{_COLOUR} of resolution {options.resolution} here")
        depths = [*source.rglob("depth_filled/*_depth_filled.png"), *source.rglob("up_png/*_ud.png")]
        refuse_widowed([path for path in depths if _wanted(path, source, options.resolution)], frames, source)
        division = by_class(frames, options.tr_classes, options.source_fraction, source)
        info = DatasetInfo(
            name=destination.name,
            source_modality="rgb",
            target_modality="depth",
            classes=division.classes,
            provenance=options.provenance("diml", source),
            source_images=options.source_images,
            holes=options.holes,
        )
        write(division, source, destination, info)


def _frames(root: Path, resolution: Resolution) -> Iterator[Frame]:
    for image in sorted(root.rglob(f"*{_COLOUR}")):
        folder, name = image.parent.parent, image.name.removesuffix(_COLOUR)
        if not _wanted(image, root, resolution):
            continue
        if image.parent.name == "color":
            depth = partner(folder / "depth_filled" / f"{name}_depth_filled.png", root)
            yield Frame(image, depth, _class_name(folder, root), f"{folder.relative_to(root)}/{name}")
        elif image.parent.name == "col":
            # Frames of one session are near copies, so the session is the group.
            depth = partner(folder / "up_png" / f"{name}_ud.png", root)
            yield Frame(image, depth, _class_name(folder.parent, root), str(folder.relative_to(root)))


def _wanted(path: Path, root: Path, resolution: Resolution) -> bool:
    other = "HR" if resolution == "LR" else "LR"
    return other not in path.relative_to(root).parts


def _class_name(scene: Path, root: Path) -> str:
    name = re.sub(r"^\d+[\s._]*", "", scene.name)
    if not name:
        raise DataError(f"{scene.relative_to(root)}: the scene's folder has a number but no class name")
    return name
