"""An interval of a statistic."""

from __future__ import annotations

from dataclasses import dataclass, replace


@dataclass(frozen=True)
class Interval:
    """Limits, the share of studies in which such limits hold the truth, and how they were made."""

    low: float
    high: float
    level: float
    method: str

    def within(self, low: float, high: float) -> Interval:
        """Without what cannot be, of a statistic that has bounds: it holds the truth as often."""
        return replace(self, low=max(self.low, low), high=min(self.high, high))

    def __contains__(self, value: float) -> bool:
        return self.low <= value <= self.high
