"""Solids as signed distance functions: half-spaces, balls and tubes joined by intersection (max) and union (min).

A function maps points p_3R to a lower bound of their distance to the surface (R,), negative inside. All are
1-Lipschitz, so that sphere tracing never steps through a surface (Hart 1996, "Sphere tracing", theorem 1). Each solid
lies inside the unit ball, with y pointing up.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import reduce

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating]
"""Arrays of float32: Python's own numbers do not widen them."""


@dataclass(frozen=True)
class Solid:
    """A named solid. `foot` is the height of its origin when it stands upright on a floor."""

    name: str
    foot: float
    distance: Callable[[Floats], Floats]


def _norm(*parts: Floats) -> Floats:
    return np.sqrt(reduce(np.add, [part * part for part in parts]))


def _all(*parts: Floats) -> Floats:
    return reduce(np.maximum, parts)


def _any(*parts: Floats) -> Floats:
    return reduce(np.minimum, parts)


def _box(p_3R: Floats, x: float, y: float, z: float) -> Floats:
    return _all(np.abs(p_3R[0]) - x, np.abs(p_3R[1]) - y, np.abs(p_3R[2]) - z)


def _prism(width: Floats, y: Floats, radius: float, height: float) -> Floats:
    """Extrusion of a level set of `width`, from -height to height."""
    return _all(width - radius, np.abs(y) - height)


def _taper(width: Floats, y: Floats, radius: float, foot: float, top: float) -> Floats:
    """Cone over a level set of `width`: from `radius` at height -foot to a point at height `top`."""
    height = top + foot
    side = (height * width + radius * (y - top)) / math.hypot(height, radius)
    return _all(side, -foot - y)


def _sphere(p_3R: Floats) -> Floats:
    return _norm(*p_3R) - 0.8


def _cube(p_3R: Floats) -> Floats:
    return _box(p_3R, 0.56, 0.56, 0.56)


def _cylinder(p_3R: Floats) -> Floats:
    return _prism(_norm(p_3R[0], p_3R[2]), p_3R[1], radius=0.42, height=0.85)


def _cone(p_3R: Floats) -> Floats:
    return _taper(_norm(p_3R[0], p_3R[2]), p_3R[1], radius=0.55, foot=0.75, top=0.95)


def _torus(p_3R: Floats) -> Floats:
    return _norm(_norm(p_3R[0], p_3R[2]) - 0.66, p_3R[1]) - 0.28


def _pyramid(p_3R: Floats) -> Floats:
    return _taper(_all(np.abs(p_3R[0]), np.abs(p_3R[2])), p_3R[1], radius=0.65, foot=0.35, top=0.6)


def _ellipsoid(p_3R: Floats) -> Floats:
    return (_norm(p_3R[0] / 0.9, p_3R[1] / 0.45, p_3R[2] / 0.6) - 1) * 0.45


def _capsule(p_3R: Floats) -> Floats:
    return _norm(np.maximum(np.abs(p_3R[0]) - 0.6, 0), p_3R[1], p_3R[2]) - 0.3


def _hexagonal_prism(p_3R: Floats) -> Floats:
    x, z = np.abs(p_3R[0]), np.abs(p_3R[2])
    return _prism(_all(x, x / 2 + z * (math.sqrt(3) / 2)), p_3R[1], radius=0.62, height=0.4)


def _octahedron(p_3R: Floats) -> Floats:
    x, y, z = np.abs(p_3R)
    distance: Floats = (x + y + z - 0.95) / math.sqrt(3)
    return distance


def _link(p_3R: Floats) -> Floats:
    straight = np.maximum(np.abs(p_3R[0]) - 0.4, 0)
    return _norm(_norm(straight, p_3R[2]) - 0.4, p_3R[1]) - 0.16


def _rounded_box(p_3R: Floats) -> Floats:
    x, y, z = np.abs(p_3R)
    return _norm(np.maximum(x - 0.5, 0), np.maximum(y - 0.2, 0), np.maximum(z - 0.3, 0)) - 0.2


def _tube(p_3R: Floats) -> Floats:
    return _prism(np.abs(_norm(p_3R[0], p_3R[2]) - 0.56), p_3R[1], radius=0.1, height=0.45)


def _wedge(p_3R: Floats) -> Floats:
    ramp = (p_3R[0] + p_3R[1]) * math.sqrt(0.5) - 0.1
    return _all(ramp, -0.4 - p_3R[1], -0.55 - p_3R[0], np.abs(p_3R[2]) - 0.45)


def _bowl(p_3R: Floats) -> Floats:
    x, y, z = p_3R
    return _all(np.abs(_norm(x, y - 0.2, z) - 0.72) - 0.08, y - 0.2)


def _cross(p_3R: Floats) -> Floats:
    return _any(_box(p_3R, 0.85, 0.2, 0.2), _box(p_3R, 0.2, 0.85, 0.2), _box(p_3R, 0.2, 0.2, 0.85))


def _dumbbell(p_3R: Floats) -> Floats:
    x, radial = np.abs(p_3R[0]), _norm(p_3R[1], p_3R[2])
    return _any(_norm(x - 0.58, radial) - 0.38, _all(radial - 0.15, x - 0.58))


def _stairs(p_3R: Floats) -> Floats:
    x, y, z = p_3R
    steps = [_all(y - (0.3 * step - 0.2), x - (0.6 - 0.4 * step)) for step in range(3)]
    return _all(_any(*steps), -0.5 - y, -0.6 - x, np.abs(z) - 0.45)


def _arch(p_3R: Floats) -> Floats:
    opening = 0.4 - _norm(p_3R[0], p_3R[1] + 0.5)
    return _all(_box(p_3R, 0.66, 0.5, 0.3), opening)


TR = (
    Solid("sphere", 0.8, _sphere),
    Solid("cube", 0.56, _cube),
    Solid("cylinder", 0.85, _cylinder),
    Solid("cone", 0.75, _cone),
    Solid("torus", 0.28, _torus),
    Solid("pyramid", 0.35, _pyramid),
)
"""Solids of the task-relevant classes; a label is an index into them."""

TI = (
    Solid("ellipsoid", 0.45, _ellipsoid),
    Solid("capsule", 0.3, _capsule),
    Solid("hexagonal prism", 0.4, _hexagonal_prism),
    Solid("octahedron", 0.95, _octahedron),
    Solid("link", 0.16, _link),
    Solid("rounded box", 0.4, _rounded_box),
    Solid("tube", 0.45, _tube),
    Solid("wedge", 0.4, _wedge),
    Solid("bowl", 0.6, _bowl),
    Solid("cross", 0.85, _cross),
    Solid("dumbbell", 0.38, _dumbbell),
    Solid("stairs", 0.5, _stairs),
    Solid("arch", 0.5, _arch),
)
"""Solids of the task-irrelevant scenes and of the clutter."""
