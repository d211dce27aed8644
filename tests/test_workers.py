"""How tests are dealt to workers."""

from __future__ import annotations

import pytest


def test_groups_are_kept_together(request: pytest.FixtureRequest) -> None:
    if not getattr(request.config.option, "loadgroup", False):
        pytest.skip("tests are dealt one by one, or there is one worker")
    assert request.node.nodeid.endswith("@test_workers")
