"""What rays meet: sphere tracing of the objects, closed form for the planes.

Shapes: coordinates lead, then N scenes, R rays a scene, H picked rays; K objects, W planes, M = K + W materials.
Everything is computed element by element, without threaded libraries, so that every run gives the same bytes.
"""

from __future__ import annotations

from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from sfcmt.data.synthetic.scenes import SOLIDS, Scene
from sfcmt.data.synthetic.solids import Floats, Solid

T = TypeVar("T", bound=np.generic)

_ROUNDS, _STEPS = 24, 4  # finished rays are dropped after each round of steps
_TOUCH = 1e-4  # in radii of the solid, so below 0.1 mm
_PROBE = 1e-3


def first_hit(scenes: Scene, origins_3NR: Floats, rays_3NR: Floats) -> tuple[Floats, NDArray[np.int64]]:
    """Distance (N, R) along each ray, and the material that it meets there."""
    t_NMR = np.concatenate([_objects(scenes, origins_3NR, rays_3NR), _planes(scenes, origins_3NR, rays_3NR)], axis=1)
    return t_NMR.min(axis=1), t_NMR.argmin(axis=1)


def shadowed(scenes: Scene, points_3NR: Floats, normals_3NR: Floats) -> NDArray[np.bool_]:
    """Whether an object stands between each point and the lamp (N, R)."""
    clear_3NR = points_3NR + 2 * _PROBE * normals_3NR  # off the surface that the point is on
    return np.asarray(np.isfinite(_objects(scenes, clear_3NR, scenes.light.T[:, :, None])).any(axis=1))


def surface_normals(scenes: Scene, points_3NR: Floats, owner_NR: NDArray[np.int64]) -> Floats:
    """Unit normals (3, N, R) of the materials at points on them."""
    objects = scenes.solids.shape[1]
    normals_3NR = pick(scenes.normals, np.maximum(owner_NR - objects, 0))
    kind_NR = np.where(owner_NR < objects, pick(scenes.solids, np.minimum(owner_NR, objects - 1)), -1)
    for index in np.unique(kind_NR[kind_NR >= 0]):
        n, r = np.nonzero(kind_NR == index)
        k = owner_NR[n, r]
        to_world = np.moveaxis(scenes.rotations[n, k], 0, 2)
        local = turn(to_world.swapaxes(0, 1), points_3NR[:, n, r] - scenes.centres[n, k].T) / scenes.scales[n, k]
        normals_3NR[:, n, r] = turn(to_world, normals(SOLIDS[index], local))
    return normals_3NR


def normals(solid: Solid, p_3H: Floats) -> Floats:
    """Unit outward normals (3, H) at points near the surface: the distance's gradient, by central differences."""
    steps = np.eye(3, dtype=np.float32)[:, :, None] * _PROBE
    slopes_3H = np.stack([solid.distance(p_3H + step) - solid.distance(p_3H - step) for step in steps])
    return slopes_3H / np.maximum(np.sqrt(dot(slopes_3H, slopes_3H)), 1e-9)


def _objects(scenes: Scene, origins_3NR: Floats, rays_3NR: Floats) -> Floats:
    """Distance (N, K, R) to each object, infinite where a ray misses it. Origins and rays broadcast."""
    rays = max(origins_3NR.shape[2], rays_3NR.shape[2])
    t_NKR = np.full((*scenes.solids.shape, rays), np.inf, dtype=np.float32)
    for index in np.unique(scenes.solids[scenes.solids >= 0]):
        n, k = np.nonzero(scenes.solids == index)
        radii, centres = scenes.scales[n, k, None], scenes.centres[n, k].T[:, :, None]
        starts, ways = np.broadcast_arrays((origins_3NR[:, n] - centres) / radii, rays_3NR[:, n])
        middle = -dot(starts, ways)
        chord = middle**2 - dot(starts, starts) + 1  # squared half length inside the solid's unit ball
        half = np.sqrt(np.maximum(chord, 0))
        i, r = np.nonzero((chord > 0) & (middle + half > 0))
        to_solid = np.moveaxis(scenes.rotations[n, k], 0, 2).swapaxes(0, 1)[:, :, i]
        near, far = np.maximum(middle - half, 0)[i, r], (middle + half)[i, r]
        t = _march(SOLIDS[index], turn(to_solid, starts[:, i, r]), turn(to_solid, ways[:, i, r]), near, far)
        t_NKR[n[i], k[i], r] = t * radii[i, 0]
    return t_NKR


def _march(solid: Solid, origins_3H: Floats, rays_3H: Floats, t_H: Floats, far_H: Floats) -> Floats:
    """Sphere tracing from `t_H`; infinite where nothing is met before `far_H`."""
    found_H = np.full_like(t_H, np.inf)
    going = np.arange(len(t_H))
    for _ in range(_ROUNDS):
        for _ in range(_STEPS):
            gap = solid.distance(origins_3H + rays_3H * t_H)
            t_H = t_H + gap
        met = gap < _TOUCH
        found_H[going[met]] = t_H[met]
        on = ~met & (t_H < far_H)
        going, t_H, far_H, origins_3H, rays_3H = going[on], t_H[on], far_H[on], origins_3H[:, on], rays_3H[:, on]
        if not len(going):
            break
    return found_H


def _planes(scenes: Scene, origins_3NR: Floats, rays_3NR: Floats) -> Floats:
    """Distance (N, W, R) to each plane, infinite where a ray leaves it behind."""
    normals_3NW1 = np.moveaxis(scenes.normals, 2, 0)[..., None]
    closing = np.minimum(dot(normals_3NW1, rays_3NR[:, :, None]), -1e-9)
    return (scenes.offsets[:, :, None] - dot(normals_3NW1, origins_3NR[:, :, None])) / closing


def turn(matrix_33: Floats, v_3: Floats) -> Floats:
    """Matrix times vector."""
    return np.stack([dot(row_3, v_3) for row_3 in matrix_33])


def dot(a_3: Floats, b_3: Floats) -> Floats:
    """Dot product over the leading axis."""
    product: Floats = a_3[0] * b_3[0] + a_3[1] * b_3[1] + a_3[2] * b_3[2]
    return product


def pick(table: NDArray[T], owner_NR: NDArray[np.int64]) -> NDArray[T]:
    """Each point's entry of a table (N, M, ...), its trailing axes leading: (..., N, R)."""
    flat = np.moveaxis(table, (0, 1), (-2, -1)).reshape(*table.shape[2:], -1)
    picked: NDArray[T] = np.take(flat, owner_NR + table.shape[1] * np.arange(len(owner_NR))[:, None], axis=-1)
    return picked
