"""How files of a modality become stored pixels. A data set and its models carry it, so that both read files alike."""

from __future__ import annotations

import math
from typing import Annotated

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict


def _told(values: tuple[float, ...]) -> tuple[float, ...]:
    """What is no number, and 0, are holes in any case."""
    return tuple(dict.fromkeys(value for value in values if value and math.isfinite(value)))


def _split_commas(value: object) -> object:
    return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value


Numbers = Annotated[tuple[float, ...], BeforeValidator(_split_commas)]
"""An option that lists numbers, separated by commas on the command line."""


class Reading(BaseModel):
    """What is done to a file's values, in this order; then holes and channels are those of the data set."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    upright: bool = True
    """Whether an image is turned as its EXIF orientation says. Data sets of format 1 were imported without."""
    rotated_bits: int = 0
    """By how many places the 16 bits of a value are rotated left, as those of SUN RGB-D are by three."""
    invalid: Annotated[tuple[float, ...], AfterValidator(_told)] = ()
    """Values that stand for none, as 0 does: a pixel that has them in all channels becomes a hole."""
    unit: str | None = None
    """Of the stored values, as the user names it. Nothing is converted."""

    @property
    def notes(self) -> str:
        """The unit and the invalid values, for people; nothing if there are none."""
        invalid = f"; invalid: {', '.join(f'{value:.10g}' for value in self.invalid)}" if self.invalid else ""
        return (f"; in {self.unit}" if self.unit else "") + invalid


PLAIN = Reading()
"""Files whose values are what they say: all source images, for one."""


def of_format_1(importer: object) -> Reading:
    """How an importer of the releases before readings were written down has read its files."""
    return Reading(upright=False, rotated_bits=3 if importer == "sunrgbd" else 0)
