"""How many CPUs this process may use, which is what its share of a machine is."""

from __future__ import annotations

import math
import os
from pathlib import Path

_QUOTA = Path("/sys/fs/cgroup/cpu.max")


def own_cores(quota: Path = _QUOTA) -> int:
    """By its affinity, and by the quota of its control group: a container may have two CPUs of sixty-four."""
    affine = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    try:
        share, period = quota.read_text(encoding="utf-8").split()
        return max(1, min(affine, math.floor(int(share) / int(period))))
    except (OSError, ValueError):  # no such file, or "max"
        return affine
