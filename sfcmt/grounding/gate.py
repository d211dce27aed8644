"""The gate before a pick: which models of a pool are as well grounded in the pairs as the best of them.

Certainty deceives the validators that look at one model, and company those that look at a pool: a model may be sure and
wrong, alone or with many. A model that is far below the best by the pairs does not pass, whatever it says of itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from sfcmt.grounding.association import association, difference
from sfcmt.grounding.evidence import Integers, PairEvidence
from sfcmt.grounding.shuffles import best_by_chance
from sfcmt.outputs import Outputs

ASSOCIATION = "grounding"
"""What a model's association with the pairs is called among scores."""
GATED = "gated_"
"""Before the name of a pool validator that was asked behind the gate."""
SHAPED_ON = ("nyu_rgbd@300da1f2571e", "s2_sar@99c29c51452f")
"""Data sets that `NEAR` and the number of nearest pairs were chosen on."""
NEAR = 0.9
"""Who has this share of the best's association passes: under the assumptions of `association`, about the same share of
the best's recall above chance."""

_ROUNDING = 1e-9


@dataclass(frozen=True)
class Gate:
    """What the gate says of a pool."""

    associations: dict[str, float]
    """Of each model, by name."""
    chance: float
    """What the best of them would stay below, 95 times of 100, if the pairs were shuffled."""
    passed: tuple[str, ...]
    """Who is near the best, the best first; nobody, if the best is no better than chance."""
    tied: tuple[str, ...]
    """Who is not told apart from the best by the pairs (95 %, one by one), the best among them."""

    @property
    def is_grounded(self) -> bool:
        """Whether the best of the models is better than shuffled pairs would make it."""
        return bool(self.passed)

    def as_json(self) -> dict[str, Any]:
        """Plain values."""
        return {**asdict(self), "passed": list(self.passed), "tied": list(self.tied)}

    @staticmethod
    def from_json(values: Mapping[str, Any]) -> Gate:
        """What `as_json` made."""
        return Gate(**{**values, "passed": tuple(values["passed"]), "tied": tuple(values["tied"])})


def gate(pool: Mapping[str, Outputs], evidence: PairEvidence) -> Gate:
    """Judge a pool of one model or more, all of them on the target images that the evidence is about."""
    found = {name: association(evidence, _classes(outputs)) for name, outputs in pool.items()}
    ranked = sorted(found, key=lambda name: -found[name].value)
    best = found[ranked[0]]
    chance = best_by_chance(evidence, map(_classes, pool.values()))
    near = [name for name in ranked if found[name].value >= NEAR * best.value]
    low = {name: difference(evidence, best, found[name]).interval()[0] for name in ranked}
    return Gate(
        {name: one.value for name, one in found.items()},
        chance,
        tuple(near) if best.value > chance + _ROUNDING else (),
        tuple(name for name in ranked if low[name] <= 0),
    )


def _classes(outputs: Outputs) -> Integers:
    classes_N: Integers = outputs.target_logits.argmax(dim=1).numpy()
    return classes_N
