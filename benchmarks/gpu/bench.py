"""What the sections share: the device, the sizes, the clock, and what a row of the table is."""

from __future__ import annotations

import platform
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import torch
from torch import Tensor


@dataclass(frozen=True)
class Row:
    """One line: what was looked at, what was found, and whether that is right."""

    what: str
    found: str
    verdict: str = ""
    """`ok`, `WRONG`, `skipped`, or nothing where there is no right and wrong."""

    def line(self, section: str) -> str:
        """For the table."""
        return f"{section:9s} {self.what:44s} {self.found:52s} {self.verdict}".rstrip()


@dataclass
class Bench:
    """One run."""

    device_name: str
    tiny: bool
    deadline: float
    folder: Path
    """For whatever a section writes."""
    flops: dict[str, float] = field(default_factory=dict)
    """Of products of matrices a second, by number type, as measured by the section `card`."""
    bandwidth: float = 0.0
    """Bytes a second, read or written."""

    @property
    def device(self) -> torch.device:
        """That which is looked at."""
        return torch.device(self.device_name)

    @property
    def backbone(self) -> str:
        """Of step times."""
        return "small" if self.tiny else "resnet50"

    @property
    def size(self) -> int:
        """Pixels of a side, of step times."""
        return 32 if self.tiny else 224

    @property
    def batch(self) -> int:
        """Images of a step."""
        return 8 if self.tiny else 64

    @property
    def repeats(self) -> int:
        """How often what is timed is done."""
        return 2 if self.tiny else 20

    def problem(self) -> str | None:
        """Why nothing can be run."""
        if self.device_name == "cuda" and not torch.cuda.is_available():
            return "no GPU that torch can use; --device cpu --tiny shows that the run itself works"
        return None

    def title(self) -> str:
        """What machine this is."""
        name = torch.cuda.get_device_name() if self.device_name == "cuda" else "CPU"
        return f"{name}, torch {torch.__version__}, Python {platform.python_version()}"

    def left(self) -> float:
        """Seconds until the time is up."""
        return self.deadline - time.monotonic()

    def is_over(self) -> bool:
        """Whether the time is up."""
        return self.left() <= 0

    def synchronise(self) -> None:
        """Wait for the device."""
        if self.device_name == "cuda":
            torch.cuda.synchronize()

    def seconds(self, work: Callable[[], object], warm_up: int = 2) -> float:
        """Median seconds of some work, until the device has done it."""
        found = []
        for _ in range(warm_up + self.repeats):
            self.synchronise()
            started = time.perf_counter()
            work()
            self.synchronise()
            found.append(time.perf_counter() - started)
        return statistics.median(found[warm_up:])


def near(what: str, found: Tensor, expected: Tensor, tolerance: float) -> Row:
    """Whether tensors agree: the largest difference as a share of the largest value."""
    ours, theirs = found.detach().double().cpu(), expected.detach().double().cpu()
    scale = theirs.abs().amax().clamp(min=1e-12)
    error = ((ours - theirs).abs().amax() / scale).item()
    return Row(what, f"off by {error:.1e} (at most {tolerance:.0e})", "ok" if error <= tolerance else "WRONG")
