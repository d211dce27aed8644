"""What a check says: that something is well, or what is wrong and what to do about it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Finding:
    """One line of the doctor's. `remedy` is empty if all is well."""

    where: str
    """`here`, the cluster, or a node."""
    check: str
    says: str
    remedy: str = ""

    @property
    def is_well(self) -> bool:
        """Whether there is nothing to do."""
        return not self.remedy


def judged(where: str, check: str, problem: str | None, remedy: str, well: str = "well") -> Finding:
    """A finding of a problem, or that there is none."""
    return Finding(where, check, problem, remedy) if problem else Finding(where, check, well)
