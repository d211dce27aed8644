"""What a job's working directory takes along: the files that Ray packs, and whether they are few enough."""

from __future__ import annotations

import logging
import os
from collections import Counter
from pathlib import Path

from sfcmt.clusters.connection import ClusterError

MOST_BYTES = 100 * 2**20
"""Ray's job server takes uploads up to this size."""
_MOST_FILES = 100_000
_SILENT = logging.Logger("packing", logging.CRITICAL)


def packed_files(folder: Path) -> dict[str, int]:
    """Bytes of each file that Ray packs, by its path in `folder`; .git and what .gitignore and .rayignore name is not.

    Raises `ClusterError` if they are so many that `folder` cannot be meant.
    """
    from ray._private.ray_constants import get_runtime_env_default_excludes
    from ray._private.runtime_env.packaging import _dir_travel, _get_excludes  # the packer's own walk

    sizes: dict[str, int] = {}

    def note(path: Path) -> None:
        if path.is_file():
            sizes[path.relative_to(folder).as_posix()] = path.stat().st_size
        if len(sizes) > _MOST_FILES:
            raise ClusterError(f"{folder}: more than {_MOST_FILES} files to pack; work in the project's own folder")

    with_gitignore = os.environ.get("RAY_RUNTIME_ENV_IGNORE_GITIGNORE", "0") != "1"
    excluded = _get_excludes(folder, get_runtime_env_default_excludes())
    _dir_travel(folder, [excluded], note, include_gitignore=with_gitignore, logger=_SILENT)
    return sizes


def size_problem(folder: Path, sizes: dict[str, int], most: int = MOST_BYTES) -> str | None:
    """What is wrong with the size of the files, with the largest entries of `folder`; None if it is well."""
    total = sum(sizes.values())
    if total <= most:
        return None
    entries: Counter[str] = Counter()
    for path, size in sizes.items():
        first, *rest = path.split("/", 1)
        entries[f"{first}/" if rest else first] += size
    largest = ", ".join(f"{name} {mebibytes(size)}" for name, size in entries.most_common(3))
    return f"{folder}: {mebibytes(total)} to pack, of at most {mebibytes(most)}; largest: {largest}"


def check_size(folder: Path, sizes: dict[str, int], most: int = MOST_BYTES) -> None:
    """Raise `ClusterError` if the files are too large to upload."""
    if problem := size_problem(folder, sizes, most):
        raise ClusterError(f"{problem}; name what the job does not need in .rayignore (written like .gitignore)")


def mebibytes(size: int) -> str:
    """A size for people."""
    return f"{size / 2**20:.1f} MiB"
