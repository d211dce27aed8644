"""What a search asks for that needs TI pairs, where the data set has none."""

from __future__ import annotations

from collections.abc import Iterator

from sfcmt.data.dataset import Dataset
from sfcmt.errors import Problem
from sfcmt.stages.method import METHODS
from sfcmt.tuning.search.spec import ANCHOR_AGREEMENT, CheckedSearch
from sfcmt.validators import VALIDATORS, validators_for


def pair_problems(checked: CheckedSearch, dataset: Dataset) -> Iterator[Problem]:
    """Objectives that look at pairs, and searched fields that the method sets itself without them."""
    if dataset.has_pairs:
        return
    say_something = validators_for(has_pairs=False)
    for name in checked.spec.objective.validators:
        if name in VALIDATORS and name not in say_something:
            allowed = f"{', '.join((ANCHOR_AGREEMENT, *say_something))}: {dataset.folder} has no TI pairs"
            yield Problem("objective", name, allowed)
    given = checked.experiment.transfer
    fallback = METHODS[checked.experiment.method].without_pairs(given)
    for field in type(given).model_fields:
        name = f"transfer.{field}"
        if name in checked.space and getattr(given, field) != getattr(fallback, field):
            reason = f"no field that rests on TI pairs, of which {dataset.folder} has none"
            yield Problem(f"space.{name}", name, reason)
