"""Every error that sfcmt raises on purpose.

One root, so that a caller can catch what is ours and nothing else. The command line prints an `SfcmtError` as one
line a problem and exits with code 2.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass


class SfcmtError(Exception):
    """Root of all errors that sfcmt raises on purpose."""


@dataclass(frozen=True)
class Problem:
    """One mistake of a user's: where it is, what stands there, and what may stand there."""

    path: str
    value: object
    allowed: str

    def __str__(self) -> str:
        return f"{self.path}: {self.value!r} is not allowed; allowed: {self.allowed}"


class ConfigError(SfcmtError, ValueError):
    """A config file or an override is wrong. Carries all its problems at once."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(map(str, self.problems)))


class DataError(SfcmtError, ValueError):
    """A data set, or what it is imported from, is wrong. The message names the file and the row."""


class ImageError(DataError):
    """One image cannot be read, or not as it is asked for; others may be well."""

    def __init__(self, where: str, reason: str) -> None:
        self.where, self.reason = where, reason
        super().__init__(where, reason)

    def __str__(self) -> str:
        return f"{self.where}: {self.reason}"


class StoreError(SfcmtError):
    """A stage artifact is missing, damaged or of another identity."""


class OutageError(SfcmtError):
    """A disk, a server or the network between fails. Nothing is wrong with the work: it can go on when that is back."""


class DiskError(OutageError):
    """A file cannot be written or read: the disk is full, or it may not be written."""


class StoreOutageError(StoreError, OutageError):
    """An object store cannot be reached, or refuses."""


class ModelError(SfcmtError, ValueError):
    """A model cannot be built or loaded."""


class UnknownNameError(ConfigError):
    """A name that a registry does not have."""

    def __init__(self, kind: str, name: object, known: Iterable[str]) -> None:
        super().__init__([Problem(kind, name, ", ".join(sorted(known)))])
