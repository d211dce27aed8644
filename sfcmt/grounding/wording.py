"""What the gate says, in words."""

from __future__ import annotations

from collections.abc import Sequence

from sfcmt.grounding.gate import Gate
from sfcmt.listing import listed

UNGROUNDED = "audit it before you trust it"


def gate_text(gate: Gate | None, winner: str | None = None) -> str:
    """A sentence or two for people who are about to trust a pick; members that are numbers are trials."""
    if gate is None:
        return f"Not grounded: there are no TI pairs to hold models against; {UNGROUNDED}."
    best = max(gate.associations.values())
    if not gate.is_grounded:
        return (
            f"Not grounded: the best association with the pairs is {best:.3f}, and shuffled pairs reach "
            f"{gate.chance:.3f}; {UNGROUNDED}."
        )
    passed = f"{len(gate.passed)} of {len(gate.associations)} pass the gate of the pairs: {_listed(gate.passed)}"
    others = [name for name in gate.tied if name not in gate.passed]
    untold = f"; not told apart from the best either: {_listed(others)}" if others else ""
    text = f"Grounded: {passed} (best association {best:.3f}, by chance {gate.chance:.3f}){untold}."
    if winner is None or winner in gate.passed:
        return text
    if any(name.isdigit() for name in gate.passed):
        return f"{text} {_listed([winner])} does not pass: the few labels speak for it, against the pairs."
    return f"{text} {_listed([winner])} does not pass, and no other that could be picked does: {UNGROUNDED}."


def _listed(names: Sequence[str]) -> str:
    return listed([f"trial {name}" if name.isdigit() else name for name in names])
