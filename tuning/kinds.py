"""The kinds of studies."""

from __future__ import annotations

from enum import StrEnum


class StudyKind(StrEnum):
    """What a study asks: which values are best, or which parts matter."""

    SEARCH = "search"
    ABLATION = "ablation"
