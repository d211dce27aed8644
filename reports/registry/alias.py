"""The roles of a registered model's versions, as MLflow's aliases."""

from __future__ import annotations

from enum import StrEnum


class Alias(StrEnum):
    """What a version is."""

    CHALLENGER = "challenger"
    CHAMPION = "champion"
