"""True, shuffled, shifted and partly wrong pairs of the embedded scenes are told apart."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from sfcmt.data.dataset import Dataset
from sfcmt.data.local_structure import Array
from sfcmt.data.pair_check import check_pairs, judge_pairs
from sfcmt.data.pair_verdict import PairCheck, Verdict
from sfcmt.data.schema import Split
from sfcmt.data.synthetic.dataset import SyntheticSpec, write_synthetic
from sfcmt.data.thumbnails import thumbnails

N = 120


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    folder = tmp_path_factory.mktemp("scenes") / "data"
    write_synthetic(folder, SyntheticSpec(source=6, pairs=N, target=6))
    return Dataset(folder)


@pytest.fixture(scope="module")
def pairs(dataset: Dataset) -> tuple[Array, Array]:
    table = dataset.table(Split.PAIRS)
    source, target = (thumbnails(table[name], False, "pairs") for name in ("source_image", "target_image"))
    return source, target


def judge(pairs: tuple[Array, Array], partner: NDArray[np.int64], seed: int = 0) -> PairCheck:
    """The verdict on pairs of which row i has the target image of row `partner[i]`."""
    rows = np.arange(len(partner))
    return judge_pairs(pairs[0][rows], pairs[1][partner], rows, rows, seed)


@pytest.mark.slow
def test_true_pairs_match(dataset: Dataset, pairs: tuple[Array, Array]) -> None:
    check = check_pairs(dataset)
    assert replace(check, p_value=0) == replace(judge(pairs, np.arange(N)), p_value=0)  # frames are numbered otherwise
    assert check.verdict is Verdict.MATCH
    assert (check.rows, check.frames, check.offset) == (N, N, 0)
    assert check.rate > 0.4
    assert check.chance == pytest.approx(1 / N)
    assert check.p_value < 1e-12
    assert check.warning is None
    assert check.line.startswith("match: own target image nearest for ")
    assert check.line.endswith("of 120 source images in 120 frames (chance 0.8%, p < 0.0001)")


def test_shuffled_pairs_never_match(pairs: tuple[Array, Array]) -> None:
    checks = [judge(pairs, np.random.default_rng(seed).permutation(N), seed) for seed in range(5)]
    verdicts = [check.verdict for check in checks]
    assert set(verdicts) <= {Verdict.NO_MATCH, Verdict.CANNOT_TELL}
    assert verdicts.count(Verdict.NO_MATCH) >= 4
    assert max(check.rate for check in checks) < 0.06
    assert all(check.warning and "\n" not in check.warning for check in checks)


@pytest.mark.parametrize("offset", [1, -1, 3, -5])
def test_a_shift_is_named(pairs: tuple[Array, Array], offset: int) -> None:
    check = judge(pairs, np.roll(np.arange(N), offset))
    assert (check.verdict, check.offset) == (Verdict.SHIFTED, offset)
    assert check.rate < 0.1
    assert check.offset_rate > 0.4
    assert f"{offset:+d} rows away" in check.line
    assert f"target images stand {offset:+d} rows away from their source images: " in str(check.warning)


def test_a_row_missing_half_way_is_a_shift(pairs: tuple[Array, Array]) -> None:
    partner = np.append(np.delete(np.arange(N), N // 2), 0)
    check = judge(pairs, partner)
    assert (check.verdict, check.offset) == (Verdict.SHIFTED, -1)
    assert 0.1 < check.rate < 0.5
    assert 0.1 < check.offset_rate < 0.5


def test_some_wrong_pairs_among_true_ones_are_seen(pairs: tuple[Array, Array]) -> None:
    partner = np.arange(N)
    partner[::2] = np.roll(partner[::2], 20)
    check = judge(pairs, partner)
    assert check.verdict is Verdict.PARTLY
    assert str(check.warning).startswith("some target images are not those of their source images: ")


def test_images_without_common_structure_cannot_be_told(pairs: tuple[Array, Array]) -> None:
    noise = np.random.default_rng(0).normal(size=pairs[1].shape).astype(np.float32)
    check = judge((pairs[0], noise), np.arange(N))
    assert check.verdict is Verdict.CANNOT_TELL
    assert check.p_value > 0.001
    assert "see in the contact sheet" in str(check.warning)


def test_few_frames_are_no_reason_to_warn(pairs: tuple[Array, Array]) -> None:
    check = judge(pairs, np.arange(7))
    assert (check.verdict, check.warning) == (Verdict.CANNOT_TELL, None)
    assert check.line == "cannot tell: 7 frames are too few, 8 are enough"


def test_many_pairs_are_sampled_in_blocks_and_shifts_are_still_seen(
    dataset: Dataset, pairs: tuple[Array, Array], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sfcmt.data.pair_check._MOST_ROWS", 80)
    first, again = check_pairs(dataset, seed=1), check_pairs(dataset, seed=1)
    assert first == again
    assert (first.verdict, first.rows) == (Verdict.MATCH, 80)
    rows = np.concatenate([np.arange(start, start + 20) for start in (3, 35, 62, 97)])
    check = judge_pairs(pairs[0][rows], pairs[1][rows + 2], rows, np.arange(80))
    assert (check.verdict, check.offset) == (Verdict.SHIFTED, -2)
