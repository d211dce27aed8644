"""Importer of SUN RGB-D (Song et al., CVPR 2015), as downloaded."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from pydantic import Field

from sfcmt.data.class_names import refuse_twin_names
from sfcmt.data.frames import Division, Frame, divide, write
from sfcmt.data.importer import IMPORTERS, Importer, ImportOptions, Names
from sfcmt.data.manifest import Holes
from sfcmt.data.reading import Reading
from sfcmt.data.scanner import Scanner
from sfcmt.data.writer import DatasetInfo
from sfcmt.errors import DataError
from sfcmt.listing import listed
from sfcmt.text_files import composed, read_text

Sensor = Literal["kv1", "kv2", "realsense", "xtion"]
SENSORS: tuple[Sensor, ...] = ("kv1", "kv2", "realsense", "xtion")
_NO_CLASS = "idk"


class SunRgbdOptions(ImportOptions):
    """Options of the importer of SUN RGB-D."""

    source_sensor: Sensor = Field("kv1", description="Sensor whose RGB images are the source.")
    target_sensor: Sensor = Field("xtion", description="Sensor whose depth images are the target; may be the same.")
    depth: Literal["depth", "depth_bfx"] = Field("depth_bfx", description="Raw depth, or the refined depth_bfx.")
    holes: Holes = Field("fill", description="What to do with missing depth (0): keep, fill or mask it.")
    classes: Names = Field(
        (), description="Task-relevant classes, separated by commas; by default the names found under all four sensors."
    )

    @property
    def reading(self) -> Reading:
        """Depth in millimetres: the files hold it with its 16 bits rotated left by three."""
        return Reading(rotated_bits=3, invalid=self.invalid or (), unit=self.unit or "mm")


@IMPORTERS.register("sunrgbd")
class SunRgbd(Importer[SunRgbdOptions]):
    """SUNRGBD/ with kv1, kv2, realsense and xtion, and any folder with a scene.txt below them a scene.

    Published protocol: images of the task-relevant classes are source (RGB of one sensor) and target (depth of
    another); those of all other classes are the pairs, from both sensors.
    """

    options = SunRgbdOptions

    def recognises(self, path: Path) -> bool:
        return all((path / sensor).is_dir() for sensor in SENSORS)

    def run(self, source: Path, destination: Path, options: SunRgbdOptions) -> None:
        scenes = {sensor: _scenes(source, sensor, self.scanner) for sensor in SENSORS}
        named = {name: folder for found in scenes.values() for folder, name in found.items()}
        refuse_twin_names({name: f"{folder.relative_to(source)}/scene.txt" for name, folder in named.items()})
        chosen = dict.fromkeys((options.source_sensor, options.target_sensor))
        classes = options.classes or _shared_classes(scenes)
        _check_classes(classes, {sensor: scenes[sensor] for sensor in chosen}, source)
        frames = {sensor: _frames(source, scenes[sensor], options.depth, self.scanner) for sensor in chosen}
        info = DatasetInfo(
            name=destination.name,
            source_modality="rgb",
            target_modality="depth",
            classes=classes,
            provenance=options.provenance("sunrgbd", source),
            source_images=options.source_images,
            pairs=options.pairs,
            reading=options.reading,
            holes=options.holes,
        )
        division = _division(frames, classes, options)
        write(division, source, destination, info, self.scanner)


def _scenes(root: Path, sensor: Sensor, scanner: Scanner) -> dict[Path, str]:
    """The scene folders of a sensor, at whatever depth, with the word in their scene.txt."""
    files = scanner.files(root / sensor)
    scenes = {file.parent: composed(read_text(file)) for file in files if file.name == "scene.txt"}
    if not scenes:
        raise DataError(f"{root / sensor}: no scene here; a scene is a folder with a scene.txt")
    for folder in sorted({file.parent.parent for file in files if file.parent.name == "image"} - scenes.keys()):
        scanner.skip(folder, "an image, but no scene.txt")
    for folder, name in scenes.items():
        if not name:
            raise DataError(f"{folder.relative_to(root)}/scene.txt: empty; it must name the scene's class")
    return scenes


def _shared_classes(scenes: dict[Sensor, dict[Path, str]]) -> tuple[str, ...]:
    names = set.intersection(*(set(found.values()) for found in scenes.values()))
    return tuple(sorted(names - {_NO_CLASS}))


def _check_classes(classes: Sequence[str], scenes: dict[Sensor, dict[Path, str]], root: Path) -> None:
    for sensor, found in scenes.items():
        known = set(found.values()) - {_NO_CLASS}
        unknown = [name for name in classes if name not in known]
        if unknown:
            raise DataError(f"{root / sensor}: no class {unknown[0]!r}; classes here: {listed(sorted(known))}")


def _frames(root: Path, scenes: dict[Path, str], depth: str, scanner: Scanner) -> list[Frame]:
    return [
        Frame(_only(folder / "image", root, scanner), _only(folder / depth, root, scanner), name, _group(folder, root))
        for folder, name in scenes.items()
    ]


def _only(folder: Path, root: Path, scanner: Scanner) -> Path:
    found = scanner.readable(scanner.listed(folder)[1]) if folder.is_dir() else []
    if len(found) != 1:
        raise DataError(f"{folder.relative_to(root)}: one image must be here, not {len(found)}")
    return found[0]


def _group(folder: Path, root: Path) -> str:
    # Below sensor/collection/PLACE of the SUN3D videos lie many near-equal frames of one place; elsewhere one frame.
    return "/".join(folder.relative_to(root).parts[:3])


def _division(frames: dict[Sensor, list[Frame]], classes: tuple[str, ...], options: SunRgbdOptions) -> Division:
    relevant = {sensor: [frame for frame in found if frame.class_name in classes] for sensor, found in frames.items()}
    pairs = [frame for found in frames.values() for frame in found if frame.class_name not in classes]
    source, target = relevant[options.source_sensor], relevant[options.target_sensor]
    if options.source_sensor == options.target_sensor:
        source, target = divide(source, 0.5)
    return Division(classes, source, pairs, target)
