"""Are the pairs pairs? Whether a source image is more like its own target image than like those of other frames.

Two images are as similar as the directions of their edges (`sfcmt.data.local_structure`): no model is asked. Three
tests, with alpha = 0.001, p-values one-sided:

- *shift*, 0 < |k| <= 5: the rows i and i + k are more similar than chance (permutation test over frames), and more
  similar than the rows i and i - k (paired t-test over frames); both count all offsets. Neighbours that look alike, as
  in a video, do so on both sides, and give no alarm; a row that is missing half-way gives one.
- *own*: the rows i and i are more similar than chance (permutation test over frames).
- *elsewhere*: of rows that are not like their own target image (similarity below 0.5), the most similar target image is
  more similar than the most similar mirrored target image, which is nobody's partner (t-test over frames). So their
  partners are there, and could be seen.

| verdict | shift | own | elsewhere |
|---|---|---|---|
| SHIFTED | yes | | |
| MATCH | no | yes | no |
| PARTLY | no | yes | yes |
| NO_MATCH | no | no | yes |
| CANNOT_TELL | no | no | no: no pairs, or modalities that show too little in common |

Rows of one frame look alike, so they are no rivals of each other, and are permuted and tested together.
"""

from __future__ import annotations

import numpy as np

from sfcmt.data.dataset import Dataset
from sfcmt.data.local_structure import Array, describe, similarity
from sfcmt.data.matching import Matching, Places, positive_p_value
from sfcmt.data.pair_verdict import FEWEST_FRAMES, PairCheck, Verdict
from sfcmt.data.schema import Split
from sfcmt.data.thumbnails import affordable, thumbnails

ALPHA = 0.001
_UNLIKE = 0.5
_OFFSETS = [k for k in range(-5, 6) if k]
_MOST_ROWS, _BLOCKS = 1000, 4
_VERDICTS = {
    (True, False): Verdict.MATCH,
    (True, True): Verdict.PARTLY,
    (False, True): Verdict.NO_MATCH,
    (False, False): Verdict.CANNOT_TELL,
}


def check_pairs(dataset: Dataset, seed: int = 0) -> PairCheck:
    """Judge the TI pairs of a data set; of many, up to 1000 rows in four blocks. Raises `DataError`."""
    if not dataset.has_pairs:
        return PairCheck(Verdict.NO_PAIRS, 0, 0, rate=0.0, chance=1.0, p_value=1.0)
    manifest, total = dataset.manifest, dataset.manifest.entry(Split.PAIRS).rows
    row_N = _sample(total, min(_MOST_ROWS, affordable(manifest.max_size) // 2), np.random.default_rng(seed))
    chosen = dataset.rows(Split.PAIRS, row_N, "source_image", "target_image", "group")
    where = f"{dataset.folder}/{Split.PAIRS}"
    source = thumbnails(chosen["source_image"], False, where)
    target = thumbnails(chosen["target_image"], manifest.holes == "mask", where)
    frame_N = np.unique(chosen["group"].to_pylist(), return_inverse=True)[1]
    return judge_pairs(source, target, row_N, frame_N, seed)


def judge_pairs(source_NHW: Array, target_NHW: Array, row_N: Places, frame_N: Places, seed: int = 0) -> PairCheck:
    """Judge N pairs of thumbnails. `row_N` are their places in the data set, ascending; `frame_N` number their frames.

    Frames have the numbers 0 to F - 1. With fewer than eight frames nothing can be told.
    """
    rows, frames = len(row_N), len(np.unique(frame_N))
    if frames < FEWEST_FRAMES:
        return PairCheck(Verdict.CANNOT_TELL, rows, frames, rate=0.0, chance=1.0, p_value=1.0)
    source, target = describe(source_NHW), describe(target_NHW)
    s_NN = similarity(source, target)
    matching = Matching(s_NN, row_N, frame_N, seed)
    mirrored_NN = similarity(source, describe(target_NHW[:, :, ::-1]))
    offset, p_value = _shift(matching), matching.p_value(0)
    elsewhere = _partners_elsewhere(s_NN, mirrored_NN, frame_N)
    verdict = Verdict.SHIFTED if offset else _VERDICTS[p_value < ALPHA, elsewhere]
    rates = {"rate": matching.rate(0), "chance": matching.chance(), "offset_rate": matching.rate(offset)}
    return PairCheck(verdict, rows, frames, p_value=p_value, offset=offset, **rates)


def _shift(matching: Matching) -> int:
    """The offset of the partners if the pairs are shifted, else 0."""
    best = max(_OFFSETS, key=matching.mean)
    p_value = max(matching.p_value(best), matching.asymmetry_p_value(best))
    return best if p_value * len(_OFFSETS) < ALPHA else 0


def _partners_elsewhere(s_NN: Array, mirrored_NN: Array, frame_N: Places) -> bool:
    unlike = np.diagonal(s_NN) < _UNLIKE
    excess = s_NN[unlike].max(axis=1) - mirrored_NN[unlike].max(axis=1)
    return positive_p_value(excess, frame_N[unlike]) < ALPHA


def _sample(total: int, most: int, random: np.random.Generator) -> Places:
    """All rows, or up to `most` in blocks of neighbours, one from each part of the data set."""
    if total <= most:
        return np.arange(total)
    part, length = total // _BLOCKS, max(1, most // _BLOCKS)
    starts = np.arange(_BLOCKS) * part + random.integers(0, part - length + 1, size=_BLOCKS)
    return (starts[:, None] + np.arange(length)).ravel()
