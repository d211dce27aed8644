"""Rendering against closed forms: depths, coverage, shading."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from sfcmt.data.synthetic.render import render
from sfcmt.data.synthetic.scenes import ABSENT, CLUTTER, PATTERNS, SOLIDS, Scene, draw_scene, stack

SIZE, SPREAD, DISTANCE, RADIUS, WALL = 33, 0.5, 2.0, 0.5, 1.0


def _studio(solid: int) -> Scene:
    """`solid` alone at the origin, seen along -z from 2 m, before a white wall 1 m behind; lit from the camera."""
    objects, planes = 1 + CLUTTER, 3
    plain = np.full(objects + planes, PATTERNS.index("plain"))
    away = -np.inf
    return Scene(
        solids=np.array([solid] + [ABSENT] * CLUTTER),
        centres=np.zeros((objects, 3), np.float32),
        scales=np.full(objects, RADIUS, np.float32),
        rotations=np.tile(np.eye(3, dtype=np.float32), (objects, 1, 1)),
        normals=np.array([[0, 1, 0], [0, 0, 1], [1, 0, 0]], np.float32),
        offsets=np.array([away, -WALL, away], np.float32),
        eye=np.array([0, 0, DISTANCE], np.float32),
        view=np.array([[1, 0, 0], [0, -1, 0], [0, 0, -1]], np.float32),
        spread=np.array(SPREAD, np.float32),
        patterns=plain,
        colours=np.ones((objects + planes, 2, 3), np.float32),
        waves=np.zeros((objects + planes, 3, 4), np.float32),
        light=np.array([0, 0, 1], np.float32),
        lamp=np.full(3, 0.5, np.float32),
        ambient=np.zeros(3, np.float32),
    )


def _render(scene: Scene) -> tuple[NDArray[np.uint8], NDArray[np.uint16]]:
    rgb, depth = render(stack([scene]), SIZE)
    return rgb[0], depth[0]


def _sphere_depth() -> NDArray[np.float64]:
    """Depth in mm of the studio's sphere (radius 0.8 of the unit ball), from the quadratic equation."""
    expected = np.full((SIZE, SIZE), (DISTANCE + WALL) * 1000)
    for row, column in np.ndindex(SIZE, SIZE):
        x, y = (((i + 0.5) / SIZE * 2 - 1) * SPREAD for i in (column, row))
        a, b, c = x * x + y * y + 1, -2 * DISTANCE, DISTANCE**2 - (0.8 * RADIUS) ** 2
        if b * b > 4 * a * c:
            expected[row, column] = (-b - (b * b - 4 * a * c) ** 0.5) / (2 * a) * 1000
    return expected


def test_depth_of_a_sphere_is_exact() -> None:
    _, depth = _render(_studio(0))
    assert depth[SIZE // 2, SIZE // 2] == 1600
    np.testing.assert_allclose(depth, _sphere_depth(), atol=1)


def test_lambert_shading_and_shadow() -> None:
    rgb, depth = _render(_studio(0)._replace(lamp=np.array([0.5, 0.25, 0], np.float32)))
    np.testing.assert_allclose(rgb[:, SIZE // 2, SIZE // 2], [127.5, 63.75, 0], atol=1)
    np.testing.assert_allclose(rgb[:, 0, 0], [127.5, 63.75, 0], atol=1)
    shaded, _ = _render(_studio(0)._replace(light=np.array([np.sqrt(0.5), 0, np.sqrt(0.5)], np.float32)))
    wall = depth == 3000
    assert (shaded[0][wall] == 0).any()
    assert shaded[0, 0, 0] == round(255 * 0.5 * np.sqrt(0.5))


@pytest.mark.parametrize("solid", range(len(SOLIDS)), ids=lambda index: SOLIDS[index].name)
def test_every_solid_is_visible_closed_and_in_range(solid: int) -> None:
    _, depth = _render(_studio(solid))
    body = depth < (DISTANCE + RADIUS) * 1000 + 1
    assert 0.02 < body.mean() < 0.6
    assert (depth[body] >= (DISTANCE - RADIUS) * 1000 - 1).all()
    assert (depth[~body] == 3000).all()


def test_drawn_scenes_have_depth_everywhere_and_show_their_solid() -> None:
    scenes = [draw_scene(i % len(SOLIDS), (3, i)) for i in range(2 * len(SOLIDS))]
    _, depth = render(stack(scenes), 24)
    assert depth.min() > 300
    assert depth.max() < 15_000
    emptied = [scene._replace(solids=np.array([ABSENT, *scene.solids[1:]])) for scene in scenes]
    shown = (depth < render(stack(emptied), 24)[1]).mean(axis=(1, 2))
    assert shown.min() > 0.01


def test_a_scene_looks_the_same_in_any_batch() -> None:
    scenes = [draw_scene(i, (7, i)) for i in range(5)]
    rgb, depth = render(stack(scenes), 16)
    alone_rgb, alone_depth = render(stack(scenes[3:4]), 16)
    np.testing.assert_array_equal(rgb[3:4], alone_rgb)
    np.testing.assert_array_equal(depth[3:4], alone_depth)
