"""A step for every test of a term."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.stages.terms.examples import Example, example


@pytest.fixture
def one(tiny_data: Path, tiny_store: Path, tmp_path: Path) -> Example:
    """One step, its teachers seeing plain images."""
    return example(tiny_data, tiny_store, tmp_path)
