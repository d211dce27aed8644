"""Terms of the transfer's loss, one a file: what a loss is computed from. Each registers itself under its file's name.

A method has some, weighted by fields of its own; `transfer.terms` adds others, by name. One that looks at TI pairs has
a name that begins with `pair_`: so it is known without importing it, which would import torch.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sfcmt.registry import Registry

if TYPE_CHECKING:
    from sfcmt.stages.term import Term

TERMS: Registry[type[Term]] = Registry("term", "sfcmt.stages.terms")
_ON_PAIRS = "pair_"


def looks_at_pairs(name: str) -> bool:
    """Whether a term looks at TI pairs."""
    return name.startswith(_ON_PAIRS)
