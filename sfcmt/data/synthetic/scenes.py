"""Random scenes: a solid on the floor of a room corner, small clutter around it, a camera, materials and a light.

Lengths are in metres; y points up; the solid of interest stands at the origin. Each scene is drawn from a seed of its
own, so it does not depend on how many others are drawn, or in what order.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from sfcmt.data.synthetic.solids import TI, TR, Floats

SOLIDS = (*TR, *TI)
"""All solids, those of the TR classes first; `Scene.solids` holds indices into them."""
CLUTTER = 3
ABSENT = -1
PATTERNS = ("plain", "stripes", "checks", "marble", "blobs")


class Scene(NamedTuple):
    """One scene, or with a leading axis a batch of them. Objects (K) are the solid and its clutter, planes (W) the
    floor and two walls, and materials (M = K + W) go with objects, then planes.
    """

    solids: NDArray[np.int64]  # (K,) index into SOLIDS, or ABSENT
    centres: Floats  # (K, 3)
    scales: Floats  # (K,) radius of the ball that holds the solid
    rotations: Floats  # (K, 3, 3) from the solid's axes to the world's
    normals: Floats  # (W, 3) pointing into the room
    offsets: Floats  # (W,) the plane is normal . p = offset
    eye: Floats  # (3,)
    view: Floats  # (3, 3) rows: the camera's right, down and forward
    spread: Floats  # () tangent of half the field of view
    patterns: NDArray[np.int64]  # (M,) index into PATTERNS
    colours: Floats  # (M, 2, 3) two colours that the pattern mixes
    waves: Floats  # (M, 3, 4) three frequencies in 1/m, each with a phase
    light: Floats  # (3,) towards the light
    lamp: Floats  # (3,) its colour
    ambient: Floats  # (3,)


def stack(scenes: Iterable[Scene]) -> Scene:
    """A batch of scenes: each field gets a leading axis."""
    return Scene(*map(np.stack, zip(*scenes, strict=True)))


def draw_scene(solid: int, key: tuple[int, ...]) -> Scene:
    """A random scene around `SOLIDS[solid]`; the same `key` gives the same scene."""
    random = np.random.default_rng(key)
    solids = np.array([solid, *(_clutter(random) for _ in range(CLUTTER))])
    scales = np.array([random.uniform(0.4, 0.55), *random.uniform(0.06, 0.15, CLUTTER)])
    eye, view = _camera(random)
    normals, offsets = _room(random, eye)
    materials = len(solids) + len(normals)
    parts = {
        "centres": _places(random, solids, scales),
        "scales": scales,
        "rotations": np.stack([_turn(random) for _ in solids]),
        "normals": normals,
        "offsets": offsets,
        "eye": eye,
        "view": view,
        "spread": np.tan(np.radians(random.uniform(20, 25))),
        "colours": _colours(random, materials),
        "waves": _waves(random, materials),
        "light": _unit(np.array([random.uniform(-1, 1), random.uniform(0.5, 1.5), random.uniform(0, 1)])),
        "lamp": random.uniform(0.6, 1.0, 3),
        "ambient": random.uniform(0.25, 0.4, 3),
    }
    floats = {name: np.asarray(value, dtype=np.float32) for name, value in parts.items()}
    return Scene(solids=solids, patterns=random.integers(len(PATTERNS), size=materials), **floats)


def _clutter(random: Generator) -> int:
    return ABSENT if random.random() < 0.4 else int(random.integers(len(TR), len(SOLIDS)))


def _places(random: Generator, solids: NDArray[np.int64], scales: NDArray[np.float64]) -> NDArray[np.float64]:
    """Each object on the floor, the clutter in a ring around the solid."""
    angles, gaps = random.uniform(0, 2 * np.pi, len(solids)), random.uniform(0, 0.6, len(solids))
    radii = scales[0] + scales + gaps
    radii[0] = 0
    heights = [scale * SOLIDS[solid].foot for scale, solid in zip(scales, solids, strict=True)]
    return np.stack([radii * np.cos(angles), heights, radii * np.sin(angles)], axis=1)


def _turn(random: Generator, tilt: float = 15) -> NDArray[np.float64]:
    """Any heading, and a tilt of some degrees."""
    heading, lean, roll = random.uniform(0, 2 * np.pi), *np.radians(random.uniform(-tilt, tilt, 2))
    c, s = np.cos([heading, lean, roll]), np.sin([heading, lean, roll])
    about_y = np.array([[c[0], 0, s[0]], [0, 1, 0], [-s[0], 0, c[0]]])
    about_x = np.array([[1, 0, 0], [0, c[1], -s[1]], [0, s[1], c[1]]])
    about_z = np.array([[c[2], -s[2], 0], [s[2], c[2], 0], [0, 0, 1]])
    return np.asarray(about_z @ about_x @ about_y)


def _camera(random: Generator) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Eye at a random distance, azimuth and elevation, looking roughly at the solid, with some roll."""
    distance, azimuth = random.uniform(1.4, 2.3), random.uniform(-0.6, 0.6)
    elevation, roll = np.radians(random.uniform(12, 45)), np.radians(random.uniform(-8, 8))
    towards = [np.sin(azimuth) * np.cos(elevation), np.sin(elevation), np.cos(azimuth) * np.cos(elevation)]
    aim = np.array([0, 0.2, 0]) + random.uniform(-0.12, 0.12, 3)
    eye = aim + distance * np.array(towards)
    forward = _unit(aim - eye)
    level = _unit(np.cross(forward, [0.0, 1.0, 0.0]))
    right = np.cos(roll) * level + np.sin(roll) * np.cross(forward, level)
    return eye, np.stack([right, np.cross(forward, right), forward])


def _room(random: Generator, eye: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Floor, a wall behind the solid and, half of the time, one beside it on the side away from the camera."""
    yaw = random.uniform(-0.5, 0.5)
    behind, beside = np.array([np.sin(yaw), 0, np.cos(yaw)]), np.array([np.cos(yaw), 0, -np.sin(yaw)])
    beside *= 1 if beside @ eye > 0 else -1
    gaps = random.uniform(0.4, 1.5, 2)
    far = gaps[1] if random.random() < 0.5 else np.inf
    return np.stack([np.array([0, 1, 0]), behind, beside]), np.array([0, -gaps[0], -far])


def _colours(random: Generator, materials: int) -> NDArray[np.float64]:
    """Two colours each, the second a tint of the first."""
    first, other = random.uniform(0.05, 1, (2, materials, 3))
    tint = random.uniform(0, 0.35, (materials, 1))
    return np.stack([first, first + tint * (other - first)], axis=1)


def _waves(random: Generator, materials: int) -> NDArray[np.float64]:
    directions = random.normal(size=(materials, 3, 3))
    directions /= np.linalg.norm(directions, axis=2, keepdims=True)
    frequencies = directions * random.uniform(6, 30, (materials, 1, 1))
    return np.concatenate([frequencies, random.uniform(0, 2 * np.pi, (materials, 3, 1))], axis=2)


def _unit(vector: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(vector / np.linalg.norm(vector))
