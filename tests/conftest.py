"""Shared by all tests: one tiny data set, and a store with its source model and bridge."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

os.environ["OMP_NUM_THREADS"] = "1"  # of commands, too: threads that wait for busy cores make all tests slower

from tests.tiny import obtain, tiny_experiment, write_tiny


@pytest.fixture(scope="session")
def tiny_data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tiny data set. Leave it as it is."""
    return write_tiny(tmp_path_factory.mktemp("data") / "tiny")


@pytest.fixture(scope="session")
def tiny_store(tiny_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with the source model and the bridge of `tiny_experiment(tiny_data, tiny_store)`."""
    store = tmp_path_factory.mktemp("store")
    obtain("bridge", tiny_experiment(tiny_data, store))
    return store
