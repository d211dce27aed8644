"""Drawing of scenes: one key, one scene; cameras inside the room that look at the solid."""

from __future__ import annotations

import numpy as np

from sfcmt.data.synthetic.scenes import ABSENT, SOLIDS, Scene, draw_scene
from sfcmt.data.synthetic.solids import TR

SCENES = [draw_scene(i % len(SOLIDS), (0, i)) for i in range(300)]


def _equal(a: Scene, b: Scene) -> bool:
    return all(np.array_equal(x, y) for x, y in zip(a, b, strict=True))


def test_a_key_names_one_scene() -> None:
    assert _equal(draw_scene(2, (5, 1, 3)), draw_scene(2, (5, 1, 3)))
    for other in ((6, 1, 3), (5, 2, 3), (5, 1, 4)):
        assert not np.array_equal(draw_scene(2, (5, 1, 3)).eye, draw_scene(2, other).eye)


def test_the_camera_is_a_right_handed_frame_in_the_room_that_looks_at_the_solid() -> None:
    for scene in SCENES:
        np.testing.assert_allclose(scene.view @ scene.view.T, np.eye(3), atol=1e-5)
        assert np.linalg.det(scene.view) > 0.99
        assert (scene.normals @ scene.eye > scene.offsets).all()
        right, down, forward = scene.view @ (scene.centres[0] - scene.eye)
        assert max(abs(right), abs(down)) < scene.spread * forward


def test_clutter_is_small_and_of_no_task_class() -> None:
    for scene in SCENES:
        clutter = scene.solids[1:]
        assert ((clutter == ABSENT) | (clutter >= len(TR))).all()
        assert scene.scales[1:].max() < scene.scales[0] / 2
    assert {solid for scene in SCENES for solid in scene.solids[1:]} > {ABSENT, len(TR), len(SOLIDS) - 1}
