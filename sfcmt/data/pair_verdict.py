"""What can be said of the pairs of a data set, in words for a user."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

FEWEST_FRAMES = 8
"""With fewer nothing is said."""


class Verdict(StrEnum):
    """What can be said of the pairs."""

    MATCH = "match"
    PARTLY = "some match"
    SHIFTED = "shifted"
    NO_MATCH = "no match"
    CANNOT_TELL = "cannot tell"
    NO_PAIRS = "none"


_ADVICE = {
    Verdict.SHIFTED: "look for an image that is missing or there twice, and import again",
    Verdict.PARTLY: "see the contact sheet, check what is paired with what, and import again",
    Verdict.NO_MATCH: "see the contact sheet, check what is paired with what, and import again",
    Verdict.CANNOT_TELL: "see in the contact sheet whether source and target show the same",
}


@dataclass(frozen=True)
class PairCheck:
    """The verdict, and the numbers behind it. Rates are fractions of the rows that were looked at."""

    verdict: Verdict
    rows: int
    frames: int
    rate: float
    """How often the own target image is nearer than all target images of other frames."""
    chance: float
    """That rate where images have nothing to do with each other."""
    p_value: float
    """Of the similarity to the own target image."""
    offset: int = 0
    """If shifted, where partners are: so many rows further."""
    offset_rate: float = 0.0
    """The rate of the target images there."""

    @property
    def line(self) -> str:
        """The verdict and its evidence."""
        if self.verdict is Verdict.NO_PAIRS:
            return f"{self.verdict}: methods that need none can be used, and validators that look at target images"
        if self.frames < FEWEST_FRAMES:
            return f"{self.verdict}: {self.frames} frames are too few, {FEWEST_FRAMES} are enough"
        there = f"; {self.offset_rate:.1%} for the one {self.offset:+d} rows away" if self.offset else ""
        p_value = "p < 0.0001" if self.p_value < 1e-4 else f"p = {self.p_value:.4f}"
        evidence = f"own target image nearest for {self.rate:.1%} of {self.rows} source images in {self.frames} frames"
        return f"{self.verdict}: {evidence} (chance {self.chance:.1%}, {p_value}){there}"

    @property
    def warning(self) -> str | None:
        """What to do, in a line, unless the pairs match or are too few."""
        if self.verdict is Verdict.MATCH or self.frames < FEWEST_FRAMES:
            return None
        found = {
            Verdict.SHIFTED: f"target images stand {self.offset:+d} rows away from their source images",
            Verdict.PARTLY: "some target images are not those of their source images",
            Verdict.NO_MATCH: "target images are not those of their source images",
            Verdict.CANNOT_TELL: "source images are not more like their own target images than like others",
        }
        return f"{found[self.verdict]}: {_ADVICE[self.verdict]}"
