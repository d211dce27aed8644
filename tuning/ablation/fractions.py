"""Fractional factorial designs: half, a quarter... of all combinations of two-level factors, and what that confounds.

The fraction is always the one that contains the experiment's own setting (no factor changed).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import reduce
from itertools import chain, combinations, product
from operator import xor
from typing import Literal, get_args

Resolution = Literal["III", "IV", "V"]
Word = frozenset[int]
"""Factors, by place, of an effect or of a relation."""

# Box, Hunter and Hunter 2005, table 6.22 and appendix: for each number of factors the designs in order of their size,
# given by what generates the last factors from the first.
_GENERATORS: dict[int, tuple[str, ...]] = {
    3: ("AB",),
    4: ("ABC",),
    5: ("AB AC", "ABCD"),
    6: ("AB AC BC", "ABC BCD", "ABCDE"),
    7: ("AB AC BC ABC", "ABC BCD ACD", "ABCDEF"),
    8: ("BCD ACD ABC ABD", "ABCD ABEF"),
    9: ("ABC BCD ACD ABD ABCD", "BCDE ACDE ABDE ABCE", "ACDFG BCEFG"),
}
_FIRST_RESOLUTION = 3


class Fraction:
    """The smallest known design of a number of factors with at least a resolution."""

    def __init__(self, factors: int, generators: str) -> None:
        self.factors = factors
        self._generators = [frozenset(map("ABCDEFGHJ".index, word)) for word in generators.split()]
        self.words = _relations(factors, self._generators)
        """Defining relations: an even number of each word's factors is changed in every run."""

    @staticmethod
    def find(factors: int, resolution: Resolution) -> Fraction | None:
        """The design, or None where there is none."""
        least = _FIRST_RESOLUTION + get_args(Resolution).index(resolution)
        known = (Fraction(factors, generators) for generators in _GENERATORS.get(factors, ()))
        return next((fraction for fraction in known if fraction.resolution >= least), None)

    @property
    def resolution(self) -> int:
        """Length of the shortest relation: at 3, main effects are aliased with interactions of two factors."""
        return min(map(len, self.words))

    def runs(self) -> list[tuple[bool, ...]]:
        """Which factors each run changes; the first run changes none."""
        free = self.factors - len(self._generators)
        return [
            (*bits, *(reduce(xor, (bits[place] for place in word)) for word in self._generators))
            for bits in product((False, True), repeat=free)
        ]

    def aliases(self, names: Sequence[str], order: int = 2) -> dict[str, tuple[str, ...]]:
        """Of each effect of up to `order` factors: those that it cannot be told from, with their signs.

        The sign is that of columns of -1 (own) and +1 (changed): a relation of an odd number of factors turns it.
        """
        effects = [frozenset(word) for size in range(1, order + 1) for word in combinations(range(self.factors), size)]
        found = {}
        for effect in effects:
            others = sorted((effect ^ word, len(word)) for word in self.words)
            found[_name(effect, names)] = tuple(
                ("-" if length % 2 else "") + _name(other, names) for other, length in others if len(other) <= order
            )
        return found


def _relations(factors: int, generators: Sequence[Word]) -> list[Word]:
    """All products of the generators, each with the factor that it generates."""
    first = factors - len(generators)
    words = [word | {first + place} for place, word in enumerate(generators)]
    chosen: Iterable[tuple[Word, ...]] = chain.from_iterable(combinations(words, k + 1) for k in range(len(words)))
    return [reduce(xor, some) for some in chosen]


def _name(effect: Word, names: Sequence[str]) -> str:
    return ":".join(names[place] for place in sorted(effect))
