"""Fractional designs: the classical ones, and aliases against columns multiplied out."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest

from sfcmt.tuning.ablation.fractions import Fraction, Resolution


def signs(fraction: Fraction) -> np.ndarray:
    """-1 where a run leaves a factor alone, +1 where it changes it."""
    return 2 * np.array(fraction.runs(), dtype=int) - 1


def confounded(columns: np.ndarray) -> int:
    """The resolution, from the runs alone: size of the smallest set of factors whose product is the same in all."""
    factors = range(columns.shape[1])
    words = (word for size in factors for word in combinations(factors, size + 1))
    return next(len(word) for word in words if len(set(columns[:, word].prod(axis=1))) == 1)


@pytest.mark.parametrize(
    ("factors", "asked", "runs", "reached"),
    [
        # Montgomery, Design and Analysis of Experiments, table 8.14
        (3, "III", 4, 3),
        (4, "III", 8, 4),
        (4, "IV", 8, 4),
        (5, "III", 8, 3),
        (5, "IV", 16, 5),
        (5, "V", 16, 5),
        (6, "III", 8, 3),
        (6, "IV", 16, 4),
        (6, "V", 32, 6),
        (7, "III", 8, 3),
        (7, "IV", 16, 4),
        (7, "V", 64, 7),
        (8, "III", 16, 4),
        (8, "V", 64, 5),
        (9, "III", 16, 3),
        (9, "IV", 32, 4),
        (9, "V", 128, 6),
    ],
)
def test_the_classical_designs(factors: int, asked: Resolution, runs: int, reached: int) -> None:
    fraction = Fraction.find(factors, asked)
    assert fraction is not None
    columns = signs(fraction)
    assert columns.shape == (runs, factors)
    assert fraction.resolution == reached == confounded(columns)
    assert (columns.T @ columns == runs * np.eye(factors)).all()
    assert (columns.sum(axis=0) == 0).all()
    assert (columns[0] == -1).all()
    assert len(set(fraction.runs())) == runs


@pytest.mark.parametrize(("factors", "asked"), [(2, "III"), (3, "IV"), (4, "V"), (10, "III")])
def test_designs_that_do_not_exist(factors: int, asked: Resolution) -> None:
    assert Fraction.find(factors, asked) is None


def test_aliases_of_half_of_three_factors() -> None:
    fraction = Fraction.find(3, "III")
    assert fraction is not None
    assert fraction.aliases("abc") == {
        "a": ("-b:c",),
        "b": ("-a:c",),
        "c": ("-a:b",),
        "a:b": ("-c",),
        "a:c": ("-b",),
        "b:c": ("-a",),
    }


@pytest.mark.parametrize(("factors", "asked"), [(4, "IV"), (5, "III"), (6, "IV"), (7, "III"), (8, "IV"), (9, "III")])
def test_aliases_are_the_columns_that_agree_up_to_the_sign(factors: int, asked: Resolution) -> None:
    fraction = Fraction.find(factors, asked)
    assert fraction is not None
    columns, names = signs(fraction), "abcdefghi"[:factors]
    effects = {
        ":".join(word): columns[:, [names.index(one) for one in word]].prod(axis=1)
        for size in (1, 2)
        for word in combinations(names, size)
    }
    found = fraction.aliases(names)
    assert list(found) == list(effects)
    for name, column in effects.items():
        same = {other for other, values in effects.items() if other != name and (values == column).all()}
        turned = {f"-{other}" for other, values in effects.items() if (values == -column).all()}
        assert set(found[name]) == same | turned
