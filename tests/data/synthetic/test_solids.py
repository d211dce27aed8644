"""Every solid's contract: a closed body in the unit ball, a safe distance, a true foot, unit normals outwards."""

from __future__ import annotations

import inspect

import numpy as np
import pytest

from sfcmt.data.synthetic import solids
from sfcmt.data.synthetic.solids import TI, TR, Floats, Solid
from sfcmt.data.synthetic.trace import normals

EVERY = pytest.mark.parametrize("solid", [*TR, *TI], ids=lambda solid: solid.name)


def _ball(count: int, radius: float = 1.0) -> Floats:
    random = np.random.default_rng(0)
    directions = random.normal(size=(3, count))
    lengths = radius * random.uniform(size=count) ** (1 / 3)
    points: Floats = (directions / np.linalg.norm(directions, axis=0) * lengths).astype(np.float32)
    return points


def _surface(solid: Solid) -> Floats:
    """Points of the surface: pairs of neighbours, one inside and one outside, brought together by bisection."""
    inside, outside = _ball(60_000), _ball(60_000)[:, ::-1]
    across = (solid.distance(inside) < 0) & (solid.distance(outside) > 0)
    inside, outside = inside[:, across][:, :2000], outside[:, across][:, :2000]
    for _ in range(30):
        middle = (inside + outside) / 2
        within = solid.distance(middle) < 0
        inside, outside = np.where(within, middle, inside), np.where(within, outside, middle)
    return inside


def test_no_solid_is_left_out() -> None:
    bodies = {
        function
        for name, function in inspect.getmembers(solids, inspect.isfunction)
        if function.__module__ == solids.__name__ and list(inspect.signature(function).parameters) == ["p_3R"]
    }
    assert {solid.distance for solid in (*TR, *TI)} == bodies
    assert len({solid.name for solid in (*TR, *TI)}) == len(bodies) == 19


@EVERY
def test_is_a_closed_body_in_the_unit_ball(solid: Solid) -> None:
    shell = _ball(20_000)
    shell /= np.linalg.norm(shell, axis=0)
    assert solid.distance(shell).min() > -1e-6
    assert 0.03 < (solid.distance(_ball(20_000)) < 0).mean() < 0.6


@EVERY
def test_distance_never_oversteps(solid: Solid) -> None:
    a, b = _ball(50_000, radius=3), _ball(50_000, radius=3)[:, ::-1]
    near = a + 0.01 * b
    for other in (b, near):
        change = np.abs(solid.distance(a) - solid.distance(other))
        assert (change <= np.linalg.norm(a - other, axis=0) + 1e-5).all()


@EVERY
def test_distance_is_not_needlessly_short_near_the_surface(solid: Solid) -> None:
    surface = _surface(solid)
    out = surface + 0.01 * normals(solid, surface)
    gained = solid.distance(out) - solid.distance(surface)
    assert np.quantile(gained, 0.05) > 0.004


@EVERY
def test_normals_are_unit_and_point_outwards(solid: Solid) -> None:
    surface = _surface(solid)
    normal = normals(solid, surface)
    np.testing.assert_allclose(np.linalg.norm(normal, axis=0), 1, atol=1e-5)
    assert (solid.distance(surface - 0.005 * normal) < 0).mean() > 0.98
    assert (solid.distance(surface + 0.005 * normal) > 0).mean() > 0.98


@EVERY
def test_stands_on_its_foot(solid: Solid) -> None:
    axis = np.linspace(-1, 1, 101, dtype=np.float32)
    grid = np.stack(np.meshgrid(axis, axis, axis)).reshape(3, -1)
    lowest = grid[1, solid.distance(grid) < 0].min()
    assert lowest == pytest.approx(-solid.foot, abs=0.021)


def test_distances_keep_single_precision() -> None:
    points = _ball(10)
    assert {solid.distance(points).dtype for solid in (*TR, *TI)} == {np.dtype(np.float32)}


def test_distances_by_hand() -> None:
    named = {solid.name: solid for solid in (*TR, *TI)}
    point = np.array([[1.0], [0.0], [0.0]], dtype=np.float32)
    expected = {"sphere": 0.2, "cube": 0.44, "cylinder": 0.58, "torus": 0.06, "capsule": 0.1, "rounded box": 0.3}
    for name, distance in expected.items():
        assert named[name].distance(point)[0] == pytest.approx(distance, abs=1e-6), name
