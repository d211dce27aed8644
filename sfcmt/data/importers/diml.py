"""Importer of DIML RGB-D indoor scenes (Cho et al., 2021), as downloaded, in low or high resolution."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Literal

from pydantic import Field

from sfcmt.data.frames import Frame, by_class, by_stem, partner, refuse_widowed, write
from sfcmt.data.importer import IMPORTERS, Importer, ImportOptions, Names
from sfcmt.data.manifest import Holes
from sfcmt.data.scanner import Scanner
from sfcmt.data.writer import DatasetInfo
from sfcmt.errors import DataError
from sfcmt.text_files import composed

Resolution = Literal["LR", "HR"]
_COLOUR = "_c"
_ENDINGS = {"color": _COLOUR, "col": _COLOUR, "depth_filled": "_depth_filled", "up_png": "_ud"}
"""How the names of the images in a folder end."""


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
        frames = _frames(source, options.resolution, self.scanner)
        division = by_class(frames, options.tr_classes, options.source_fraction, source)
        info = DatasetInfo(
            name=destination.name,
            source_modality="rgb",
            target_modality="depth",
            classes=division.classes,
            provenance=options.provenance("diml", source),
            source_images=options.source_images,
            pairs=options.pairs,
            reading=options.reading,
            holes=options.holes,
        )
        write(division, source, destination, info, self.scanner)


def _frames(root: Path, resolution: Resolution, scanner: Scanner) -> list[Frame]:
    images = [file for file in scanner.files(root) if file.parent.name in _ENDINGS and _wanted(file, root, resolution)]
    kinds: dict[str, list[Path]] = {folder: [] for folder in _ENDINGS}
    for image in scanner.readable(images):
        if image.stem.lower().endswith(ending := _ENDINGS[image.parent.name]):
            kinds[image.parent.name].append(image)
        else:
            scanner.skip(image, f"its name does not end in {ending}, as all in {image.parent.name}/ do")
    depths = by_stem(kinds["depth_filled"], "_depth_filled") | by_stem(kinds["up_png"], "_ud")
    frames = [_frame(image, depths, root) for image in sorted(kinds["color"] + kinds["col"])]
    if not frames:
        raise DataError(f"{root}: no color/*{_COLOUR}.png or col/*{_COLOUR}.png of resolution {resolution} here")
    refuse_widowed(depths.values(), frames, root)
    return frames


def _frame(image: Path, depths: dict[Path, Path], root: Path) -> Frame:
    folder, name = image.parent.parent, image.stem[: -len(_COLOUR)]
    beside = "depth_filled" if image.parent.name == "color" else "up_png"
    depth = partner(folder / beside / name, _ENDINGS[beside], depths, image, root)
    if beside == "depth_filled":
        return Frame(image, depth, _class_name(folder, root), f"{folder.relative_to(root)}/{name}")
    # Frames of one session are near copies, so the session is the group.
    return Frame(image, depth, _class_name(folder.parent, root), str(folder.relative_to(root)))


def _wanted(path: Path, root: Path, resolution: Resolution) -> bool:
    other = "HR" if resolution == "LR" else "LR"
    return other not in path.relative_to(root).parts


def _class_name(scene: Path, root: Path) -> str:
    name = composed(re.sub(r"^\d+[\s._]*", "", scene.name))
    if not name:
        raise DataError(f"{scene.relative_to(root)}: the scene's folder has a number but no class name")
    return name
