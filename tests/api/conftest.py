"""One store for all transfers from Python: what one test has trained, the next finds."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def api_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Leave what is in it as it is."""
    return tmp_path_factory.mktemp("api-store")
