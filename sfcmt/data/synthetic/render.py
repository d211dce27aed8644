"""Pictures of scenes: camera, light and texture around what the rays meet. Shapes as in `trace`."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sfcmt.data.synthetic.scenes import Scene
from sfcmt.data.synthetic.solids import Floats
from sfcmt.data.synthetic.trace import dot, first_hit, pick, shadowed, surface_normals, turn

MILLIMETRES = 1000


def render(scenes: Scene, size: int) -> tuple[NDArray[np.uint8], NDArray[np.uint16]]:
    """Images of a batch of scenes: RGB (N, 3, size, size), and depth along the optical axis (N, size, size) in mm.

    Rays go through the pixels' centres, edges and corners. Depth is read at the centres, which keeps it exact; a
    colour is the tent-weighted mean of its pixel's nine samples, which smooths edges.
    """
    side = 2 * size + 1
    rays_3NR, axial_NR = _camera_rays(scenes, side)
    eyes_3N1 = scenes.eye.T[:, :, None]
    t_NR, owner_NR = first_hit(scenes, eyes_3N1, rays_3NR)
    colours_3NR = _shade(scenes, eyes_3N1 + rays_3NR * t_NR, owner_NR)
    smooth = _tent(_tent(colours_3NR.reshape(3, -1, side, side)).swapaxes(2, 3)).swapaxes(2, 3)
    depth = (t_NR * axial_NR).reshape(-1, side, side)[:, 1::2, 1::2]
    return np.rint(smooth.swapaxes(0, 1) * 255).astype(np.uint8), np.rint(depth * MILLIMETRES).astype(np.uint16)


def _tent(x: Floats) -> Floats:
    return x[..., :-2:2] / 4 + x[..., 1::2] / 2 + x[..., 2::2] / 4


def _camera_rays(scenes: Scene, side: int) -> tuple[Floats, Floats]:
    """Unit directions (3, N, R), and their cosines to the optical axis (N, R)."""
    grid = np.linspace(-1, 1, side, dtype=np.float32)
    down, right = (axis.ravel() for axis in np.meshgrid(grid, grid, indexing="ij"))
    spread_N1 = scenes.spread[:, None]
    lens_3NR = np.stack(np.broadcast_arrays(spread_N1 * right, spread_N1 * down, np.float32(1)))
    axial_NR = 1 / np.sqrt(dot(lens_3NR, lens_3NR))
    return turn(scenes.view.T[:, :, :, None], lens_3NR * axial_NR), axial_NR


def _shade(scenes: Scene, points_3NR: Floats, owner_NR: NDArray[np.int64]) -> Floats:
    """Lambert's law for one distant lamp with hard shadows, and an ambient light that is stronger from above."""
    normals_3NR = surface_normals(scenes, points_3NR, owner_NR)
    light_3N1, lamp_3N1, ambient_3N1 = (x_N3.T[:, :, None] for x_N3 in (scenes.light, scenes.lamp, scenes.ambient))
    shadow_NR = shadowed(scenes, points_3NR, normals_3NR)
    lambert_NR = np.where(shadow_NR, 0, np.maximum(dot(normals_3NR, light_3N1), 0))
    received_3NR = lamp_3N1 * lambert_NR + ambient_3N1 * (0.7 + 0.3 * normals_3NR[1])
    seen_3NR: Floats = (received_3NR * _texture(scenes, points_3NR, owner_NR)).clip(0, 1)
    return seen_3NR


def _texture(scenes: Scene, points_3NR: Floats, owner_NR: NDArray[np.int64]) -> Floats:
    """Colour (3, N, R) of the material at each point: a pattern of three plane waves mixes two colours."""
    waves_43NR = pick(scenes.waves, owner_NR).swapaxes(0, 1)
    a, b, c = np.sin(dot(waves_43NR[:3], points_3NR[:, None]) + waves_43NR[3])
    patterns = [np.zeros_like(a), np.sign(a), np.sign(a * b * c), np.sin(3 * a + 3 * b), a * b]
    mix_NR = np.choose(pick(scenes.patterns, owner_NR), patterns) / 2 + 0.5
    first, second = pick(scenes.colours, owner_NR)
    mixed_3NR: Floats = first + (second - first) * mix_NR
    return mixed_3NR
