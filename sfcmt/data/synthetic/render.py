"""Batched sphere tracing of scenes into RGB and exact depth.

Shapes: N scenes, R rays a scene, K objects, W planes, M = K + W materials, H picked rays. Rotations go through
`numpy.einsum`, which calls no threaded library, so that the bytes do not depend on the number of threads.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sfcmt.data.synthetic.scenes import SOLIDS, Scene
from sfcmt.data.synthetic.solids import Floats, Solid

MILLIMETRES = 1000
_STEPS = 96
_TOUCH = 1e-4  # in radii of the solid, so below 0.05 mm
_PROBE = 1e-3


def render(scenes: Scene, size: int) -> tuple[NDArray[np.uint8], NDArray[np.uint16]]:
    """Images of a batch of scenes: RGB (N, 3, size, size), and depth along the optical axis (N, size, size) in mm.

    Rays go through the pixels' centres, edges and corners. Depth is read at the centres, which keeps it exact; a
    colour is the tent-weighted mean of its pixel's nine samples, which smooths edges.
    """
    side = 2 * size + 1
    rays_N3R, axial_NR = _camera_rays(scenes, side)
    eye_N31 = scenes.eye[:, :, None]
    t_NMR = np.concatenate([_objects(scenes, eye_N31, rays_N3R), _planes(scenes, eye_N31, rays_N3R)], axis=1)
    owner_NR, t_NR = t_NMR.argmin(axis=1), t_NMR.min(axis=1)
    points_N3R = eye_N31 + rays_N3R * t_NR[:, None]
    colours_N3R = _shade(scenes, points_N3R, owner_NR)
    smooth = _tent(_tent(colours_N3R.reshape(-1, 3, side, side)).swapaxes(2, 3)).swapaxes(2, 3)
    depth = (t_NR * axial_NR).reshape(-1, side, side)[:, 1::2, 1::2]
    return np.rint(smooth * 255).astype(np.uint8), np.rint(depth * MILLIMETRES).astype(np.uint16)


def _tent(x: Floats) -> Floats:
    return x[..., :-2:2] / 4 + x[..., 1::2] / 2 + x[..., 2::2] / 4


def _camera_rays(scenes: Scene, side: int) -> tuple[Floats, Floats]:
    """Unit directions (N, 3, R), and their cosines to the optical axis (N, R)."""
    grid = np.linspace(-1, 1, side, dtype=np.float32)
    down, right = (axis.ravel() for axis in np.meshgrid(grid, grid, indexing="ij"))
    spread = scenes.spread[:, None]
    lens_N3R = np.stack(np.broadcast_arrays(spread * right, spread * down, np.float32(1)), axis=1)
    axial_NR = 1 / np.sqrt(_dot(lens_N3R, lens_N3R))
    return np.einsum("nji,njr->nir", scenes.view, lens_N3R * axial_NR[:, None]), axial_NR


def _dot(a: Floats, b: Floats) -> Floats:
    """Dot product over axis -2."""
    return a[..., 0, :] * b[..., 0, :] + a[..., 1, :] * b[..., 1, :] + a[..., 2, :] * b[..., 2, :]


def _planes(scenes: Scene, origins_N3R: Floats, rays_N3R: Floats) -> Floats:
    """Distance (N, W, R) to each plane, infinite where a ray leaves it behind."""
    closing = np.minimum(np.einsum("nwi,nir->nwr", scenes.normals, rays_N3R), -1e-9)
    heights = np.einsum("nwi,nir->nwr", scenes.normals, origins_N3R)
    return (scenes.offsets[:, :, None] - heights) / closing


def _objects(scenes: Scene, origins_N3R: Floats, rays_N3R: Floats) -> Floats:
    """Distance (N, K, R) to each object, infinite where a ray misses it. Origins and rays may be broadcast."""
    t_NKR = np.full((*scenes.solids.shape, max(origins_N3R.shape[2], rays_N3R.shape[2])), np.inf, dtype=np.float32)
    for index in np.unique(scenes.solids[scenes.solids >= 0]):
        n, k = np.nonzero(scenes.solids == index)
        scales = scenes.scales[n, k]
        origins, rays = np.broadcast_arrays(
            (origins_N3R[n] - scenes.centres[n, k, :, None]) / scales[:, None, None], rays_N3R[n]
        )
        middle = -_dot(origins, rays)
        inside = middle**2 - _dot(origins, origins) + 1  # > 0: the ray meets the unit ball
        half = np.sqrt(np.maximum(inside, 0))
        i, r = np.nonzero((inside > 0) & (middle + half > 0))
        local = [np.einsum("hji,hj->ih", scenes.rotations[n[i], k[i]], v[i, :, r]) for v in (origins, rays)]
        start, stop = np.maximum(middle - half, 0)[i, r], (middle + half)[i, r]
        t_NKR[n[i], k[i], r] = _march(SOLIDS[index], *local, start, stop) * scales[i]
    return t_NKR


def _march(solid: Solid, origins_3H: Floats, rays_3H: Floats, t_H: Floats, stop_H: Floats) -> Floats:
    """Sphere tracing from `t_H`; infinite where nothing is met before `stop_H`. Finished rays are dropped."""
    found_H = np.full_like(t_H, np.inf)
    going = np.arange(len(t_H))
    for _ in range(_STEPS):
        gap = solid.distance(origins_3H + rays_3H * t_H)
        t_H = t_H + gap
        met = gap < _TOUCH
        found_H[going[met]] = t_H[met]
        on = ~met & (t_H < stop_H)
        going, t_H, stop_H, origins_3H, rays_3H = going[on], t_H[on], stop_H[on], origins_3H[:, on], rays_3H[:, on]
        if not len(going):
            break
    return found_H


def _normals(scenes: Scene, points_N3R: Floats, owner_NR: NDArray[np.int64]) -> Floats:
    """Unit normals (N, 3, R): the planes' own, and for objects the gradient of the distance, by central differences."""
    objects = scenes.solids.shape[1]
    rows = np.arange(len(owner_NR))[:, None]
    normals_NR3 = scenes.normals[rows, np.maximum(owner_NR - objects, 0)]
    kind_NR = np.where(owner_NR < objects, scenes.solids[rows, np.minimum(owner_NR, objects - 1)], -1)
    for index in np.unique(kind_NR[kind_NR >= 0]):
        n, r = np.nonzero(kind_NR == index)
        k = owner_NR[n, r]
        turns = scenes.rotations[n, k]
        local = np.einsum("hji,hj->ih", turns, points_N3R[n, :, r] - scenes.centres[n, k]) / scenes.scales[n, k]
        normals_NR3[n, r] = np.einsum("hij,jh->hi", turns, gradient(SOLIDS[index], local))
    return normals_NR3.swapaxes(1, 2)


def gradient(solid: Solid, p_3H: Floats) -> Floats:
    """Unit outward normals (3, H) at points near the surface."""
    steps = np.eye(3, dtype=np.float32)[:, :, None] * _PROBE
    slopes_3H = np.stack([solid.distance(p_3H + step) - solid.distance(p_3H - step) for step in steps])
    return slopes_3H / np.maximum(np.sqrt(_dot(slopes_3H, slopes_3H)), 1e-9)


def _shade(scenes: Scene, points_N3R: Floats, owner_NR: NDArray[np.int64]) -> Floats:
    """Lambert's law for one distant lamp with hard shadows, and an ambient light that is stronger from above."""
    normals_N3R = _normals(scenes, points_N3R, owner_NR)
    towards_N31 = scenes.light[:, :, None]
    blocked_NR = np.isfinite(_objects(scenes, points_N3R + 2 * _PROBE * normals_N3R, towards_N31)).any(axis=1)
    lambert_NR = np.where(blocked_NR, 0, np.maximum(_dot(normals_N3R, towards_N31), 0))
    sky_NR = 0.7 + 0.3 * normals_N3R[:, 1]
    light_N3R = scenes.lamp[:, :, None] * lambert_NR[:, None] + scenes.ambient[:, :, None] * sky_NR[:, None]
    return np.clip(light_N3R * _texture(scenes, points_N3R, owner_NR), 0, 1)


def _texture(scenes: Scene, points_N3R: Floats, owner_NR: NDArray[np.int64]) -> Floats:
    """Colour (N, 3, R) of the material at each point: a pattern of three plane waves mixes two colours."""
    rows = np.arange(len(owner_NR))[:, None]
    waves_NR34 = scenes.waves[rows, owner_NR]
    a, b, c = np.sin(
        np.einsum("nrij,njr->inr", waves_NR34[..., :3], points_N3R) + np.moveaxis(waves_NR34[..., 3], 2, 0)
    )
    patterns = [np.zeros_like(a), np.sign(a), np.sign(a * b * c), np.sin(3 * a + 3 * b), a * b]
    mix_NR = np.choose(scenes.patterns[rows, owner_NR], patterns) / 2 + 0.5
    first, second = np.moveaxis(scenes.colours[rows, owner_NR], (2, 3), (0, 2))
    return first * mix_NR[:, None] + second * (1 - mix_NR[:, None])
