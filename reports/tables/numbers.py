"""Numbers as text: shares in percent, scores of validators as they are."""

from __future__ import annotations

from dataclasses import dataclass

from sfcmt.reports.sources.runs import ORACLE, VALIDATOR
from sfcmt.reports.statistics.interval import Interval

MINUS = "\N{MINUS SIGN}"


@dataclass(frozen=True)
class Metric:
    """What a column of scores is called, and how its values are written."""

    column: str

    @property
    def is_oracle(self) -> bool:
        """Whether it has read target labels."""
        return self.column.startswith(ORACLE)

    @property
    def name(self) -> str:
        """In words."""
        return self.column.removeprefix(ORACLE).removeprefix(VALIDATOR).replace("_", " ")

    @property
    def title(self) -> str:
        """With its unit."""
        return f"{self.name} (%)" if self.is_oracle else self.name

    @property
    def heading(self) -> str:
        """The title as it opens a line."""
        return f"{self.title[0].upper()}{self.title[1:]}"

    @property
    def scale(self) -> float:
        """From values to what is shown."""
        return 100 if self.is_oracle else 1

    def value(self, value: float) -> str:
        """`83.1`"""
        return _plain(f"{self.scale * value:.{self._digits}f}")

    def difference(self, value: float) -> str:
        """`+2.3`"""
        return _plain(f"{self.scale * value:+.{self._digits}f}")

    def limits(self, interval: Interval, is_difference: bool = False) -> str:
        """`[81.0, 85.2]`"""
        write = self.difference if is_difference else self.value
        return f"[{write(interval.low)}, {write(interval.high)}]"

    @property
    def _digits(self) -> int:
        return 1 if self.is_oracle else 3


def p_text(p_value: float) -> str:
    """`0.012`, or `<0.001`."""
    return "<0.001" if p_value < 0.001 else f"{p_value:.3f}"


def size_text(value: float) -> str:
    """An effect size or a correlation: `+0.62`."""
    return _plain(f"{value:+.2f}")


def seconds_text(seconds: float) -> str:
    """`71 s`"""
    return f"{seconds:,.0f} s" if seconds >= 10 else f"{seconds:.1f} s"


def setting_text(value: object) -> str:
    """A searched value: `0.0123`."""
    return _plain(f"{value:.3g}") if isinstance(value, float) else str(value)


def level_text(level: float) -> str:
    """`95 %`"""
    return f"{100 * level:.4g} %"


def _plain(text: str) -> str:
    """With a true minus, and none before zero."""
    return text.replace("-", MINUS) if any(digit in "123456789" for digit in text) else text.lstrip("-")
