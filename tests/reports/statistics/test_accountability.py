"""Validators over several data sets."""

from __future__ import annotations

from dataclasses import replace

import pytest
from scipy import stats

from sfcmt.reports.statistics.accountability import CROSS_FITTED, MIN_SETS, SEEN, SPEARMAN, Pool, accountability
from sfcmt.reports.statistics.samples import StatisticsError


def pool(name: str, data: str, **validators: tuple[float, float | None]) -> Pool:
    """Of a data set; a regret is 1 point less once the luck of the best is gone."""
    judged = {
        one: {SEEN: regret, CROSS_FITTED: regret - 0.01, SPEARMAN: rank} for one, (regret, rank) in validators.items()
    }
    return Pool(name, 0, 5, data, False, frozenset(), judged)


def test_a_data_set_counts_once_however_many_pools_it_has() -> None:
    pools = [pool(f"a {seed}", "a", snd=(0.10, -0.5), ensv=(0.05, 0.9)) for seed in range(9)]
    pools += [pool("b", "b", snd=(0.30, None), ensv=(0.03, 0.5), new=(0.01, 1.0))]
    found = accountability(pools)
    assert found.is_cross_fitted
    assert [row.validator for row in found.rows] == ["new", "ensv", "snd"]
    new, ensv, snd = found.rows
    assert ensv.regret.value == pytest.approx(0.03)
    assert (ensv.regret.n, ensv.regret.interval) == (2, None)
    assert ensv.spearman.value == pytest.approx(0.7)
    assert {data: len(one.pools) for data, one in snd.sets.items()} == {"a": 9, "b": 1}
    assert {data: one.regret for data, one in snd.sets.items()} == pytest.approx({"a": 0.09, "b": 0.29})
    assert [snd.regret.value, snd.worst, snd.spearman.value] == pytest.approx([0.19, 0.29, -0.5])
    assert snd.spearman.n == 1
    assert list(new.sets) == ["b"]


def test_an_interval_is_over_data_sets_from_five_on() -> None:
    regrets = (0.02, 0.05, 0.01, 0.09, 0.03)
    pools = [pool(str(place), str(place), ensv=(regret, None)) for place, regret in enumerate(regrets)]
    assert len(pools) == MIN_SETS
    (row,) = accountability(pools).rows
    centre = stats.ttest_1samp([regret - 0.01 for regret in regrets], 0).confidence_interval(0.95)
    assert row.regret.interval is not None
    assert (row.regret.interval.low, row.regret.interval.high) == pytest.approx((centre.low, centre.high))
    assert (row.spearman.value, row.spearman.n) == (None, 0)
    (row,) = accountability([*pools[:4], replace(pools[4], data="3")]).rows
    assert row.regret.interval is None


def test_what_a_validator_was_shaped_on_and_what_is_synthetic_is_in_no_summary() -> None:
    own = replace(pool("a", "a", mine=(0.00, 1.0), ensv=(0.02, 0.5)), shaped={"mine"})
    other, drawn = (pool(name, name, mine=(0.40, 0.1), ensv=(0.06, 0.7)) for name in ("b", "c"))
    ensv, mine = accountability([own, other, replace(drawn, is_synthetic=True)]).rows
    assert [mine.regret.value, mine.worst, mine.spearman.value] == pytest.approx([0.39, 0.39, 0.1])
    assert mine.regret.n == 1
    assert ensv.regret.value == pytest.approx(0.03)
    told = {data: (one.is_shaped, one.counts) for data, one in mine.sets.items()}
    assert told == {"a": (True, False), "b": (False, True), "c": (False, False)}
    # alone it has nothing to be judged by, and comes last
    ensv, mine = accountability([own]).rows
    assert (mine.validator, mine.regret.value, mine.worst, mine.spearman.value) == ("mine", None, None, None)
    assert mine.sets["a"].regret == pytest.approx(-0.01)
    # synthetic data are judged where there are no others
    ensv, _ = accountability([replace(drawn, is_synthetic=True)]).rows
    assert ensv.regret.n == 1


def test_regrets_of_two_kinds_are_not_mixed() -> None:
    new, old = pool("a", "a", ensv=(0.02, None)), pool("b", "b", ensv=(0.04, None))
    old = replace(old, validators={"ensv": {**old.validators["ensv"], CROSS_FITTED: None}})
    found = accountability([new, old])
    assert not found.is_cross_fitted
    assert found.rows[0].regret.value == pytest.approx(0.03)


def test_a_pool_counts_once() -> None:
    with pytest.raises(StatisticsError, match="x, x"):
        accountability([pool("x", "a", snd=(0.1, 0.0))] * 2)
