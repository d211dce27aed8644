"""Shared by all tests: one tiny data set, and a store with its source model and bridge."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest
from filelock import FileLock

os.environ["OMP_NUM_THREADS"] = "1"  # of commands, too: threads that wait for busy cores make all tests slower

from sfcmt.testing.tiny import get_or_train, tiny_experiment, write_tiny
from tests.command import fork_for_others

fork_for_others()
pytest_plugins = ["tests.ray_cluster", "tests.s3"]
GROUPS = ("search", "ray", "lint")
"""What takes longest: the first two use a cluster."""
_HERE = Path(__file__).parent


def pytest_configure() -> None:
    """Hear Ctrl-C, as commands of tests do: what is started in the background ignores it, and so would they."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keep tests on one worker that share what is made for them, and begin with what takes longest."""
    for item in items:
        if item.get_closest_marker("xdist_group") is None:
            item.add_marker(pytest.mark.xdist_group(_sharing(item.path)))
    items.sort(key=_place)


def _sharing(module: Path) -> str:
    """The folder with a conftest.py that a module is in, or the module."""
    folders = [folder for folder in module.relative_to(_HERE).parents if (_HERE / folder / "conftest.py").exists()]
    return str((folders[:-1] or [module.relative_to(_HERE).with_suffix("")])[-1])


def _place(item: pytest.Item) -> int:
    """When its turn comes: what takes longest first, and what starts nothing last."""
    group = item.get_closest_marker("xdist_group")
    if group is not None and group.args[0] in GROUPS:
        return GROUPS.index(group.args[0])
    return len(GROUPS) + (item.get_closest_marker("slow") is None)


@pytest.fixture(scope="session")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of this test run, which all of its workers share."""
    folder = tmp_path_factory.getbasetemp()
    return folder.parent if "PYTEST_XDIST_WORKER" in os.environ else folder


@pytest.fixture(scope="session", autouse=True)
def machine_cache(shared: Path) -> None:
    """What a machine remembers, these tests keep to themselves; commands that they start, too."""
    os.environ["SFCMT_CACHE"] = str(shared / "machine")


@pytest.fixture(scope="session")
def tiny_data(shared: Path) -> Path:
    """The tiny data set. Leave it as it is."""
    with FileLock(shared / "tiny.lock"):
        return shared / "tiny" if (shared / "tiny").exists() else write_tiny(shared / "tiny")


@pytest.fixture(scope="session")
def tiny_store(tiny_data: Path, shared: Path) -> Path:
    """A store with the source model and the bridge of `tiny_experiment(tiny_data, tiny_store)`.

    Other stages may be there already: other tests, in other processes, use it at the same time.
    """
    get_or_train("bridge", tiny_experiment(tiny_data, shared / "store"))
    return shared / "store"
