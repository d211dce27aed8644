"""How well audits estimate, and how their intervals cover, on real predictions whose labels are known.

    python -m benchmarks.audit_coverage DATASET STORE [--audits 2000] [--models NAME-SEED ...]

Every transfer in the store that predicts the data set's target images is audited, simulated `--audits` times, with 100
labels, of which the first 20, 40 and 60 are looked at, too. Rivals of what `sfcmt.reports.audit` has stand beside it.
Figures are points; those of several models are their mean, and (worst) the worst of them.

Measured with three models each of s2_sar (1,378 images) and epfl_rgbnir (723), and two of nyu_rgbd (1,290), of
accuracies of 18 to 69 %, by 2,000 audits a model. The least and the most of the models, with strata of class and
confidence:

    n    sd (random draws)            +-, covers at the planned n      +- at any look, all looks covered
    20   8.2 to 10.9 (8.5 to 11.4)    15.0 to 18.9, 93.5 to 97.5 %     24 to 29, 99.6 % or more
    40   5.6 to 7.6  (5.9 to 7.9)     10.9 to 14.1, 93.9 to 97.2 %     17 to 22, 99.2 % or more
    60   4.6 to 6.2  (4.7 to 6.3)      8.9 to 11.7, 94.5 to 96.6 %     13 to 17, 98.9 % or more
    100  3.5 to 4.7  (3.6 to 4.8)      6.8 to 9.1,  94.3 to 96.4 %     10 to 13, 98.8 % or more

No bias is above 0.4 points. Random draws cover 93.2 to 96.7 % at the planned n; their limits at any look are 1 to 3
points narrower, since each image is a look and not each round. On epfl_rgbnir, with 60 labels: sd 6.0 random, 5.7 by
strata, 5.9 and 5.6 with a control variate (whose normal intervals cover 90 to 94 % with 20 labels), 6.9 and 7.9 active.
A difference has an sd of 2.9 if drawn for it and of 5.9 from a draw for accuracy. Balanced accuracy has a bias of 2.0,
1.2 and 0.6 points with 40, 60 and 100 labels, is covered by 91 to 95, 95 to 96 and 96 to 97 %, and is there in 48, 94
and 100 % of audits.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from itertools import pairwise
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table
from scipy.special import softmax

from sfcmt.data.dataset import Dataset
from sfcmt.evaluation.labels import open_labels
from sfcmt.outputs import Outputs
from sfcmt.reports.audit.balanced import MIN_LABELS, balanced_limits
from sfcmt.reports.audit.betting import betting_limits, log_capital
from sfcmt.reports.audit.draw import Classes, Proposal, draw
from sfcmt.reports.audit.frames import effective_frames, frames_interval
from sfcmt.reports.audit.score import score_limits
from sfcmt.reports.audit.stratified import weights_of
from sfcmt.reports.statistics.samples import Array

SIZES = (20, 40, 60, 100)
LEVEL = 0.95
WIDTHS = 40
"""Audits whose limits by betting are computed; coverage needs the capital against the truth only, of all audits."""


@dataclass(frozen=True, eq=False)
class Model:
    """One model's predictions."""

    name: str
    predicted_N: Classes
    margin_N: Array
    confidence_N: Array


@dataclass
class Row:
    """What audits of several models were like: for each model, its audits' figures."""

    bias: list[float] = field(default_factory=list)
    deviation: list[float] = field(default_factory=list)
    half: list[float] = field(default_factory=list)
    covers: list[float] = field(default_factory=list)
    any_half: list[float] = field(default_factory=list)
    any_covers: list[float] = field(default_factory=list)

    def add(self, estimates: Array, truth: float, limits: tuple[Array, Array]) -> None:
        """Estimates (audits,) of one model and their limits."""
        low, high = limits
        self.bias.append(float(np.mean(estimates) - truth))
        self.deviation.append(float(np.std(estimates)))
        self.half.append(float(np.mean(high - low) / 2))
        self.covers.append(float(np.mean((low - 1e-9 <= truth) & (truth <= high + 1e-9))))


def main() -> None:
    """Simulate and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("store", type=Path)
    parser.add_argument("--audits", type=int, default=2000)
    parser.add_argument("--models", nargs="*")
    arguments = parser.parse_args()
    sealed = open_labels(Dataset(arguments.data))
    labels, audits = sealed.labels_N.numpy(), arguments.audits
    frames = np.unique(sealed.groups.to_numpy(), return_inverse=True)[1]
    models = [one for one in _models(arguments.store, len(labels)) if one.name in (arguments.models or [one.name])]
    about = ", ".join(f"{one.name} {np.mean(one.predicted_N == labels):.1%}" for one in models)
    console = Console(width=140)
    console.print(f"{arguments.data.name}: {len(labels)} images of {frames.max() + 1} frames; {about}; {audits} audits")
    tables = {
        "Accuracy": accuracy(models, labels, audits),
        "Difference (neighbours in the list)": difference(models, labels, audits),
        "Balanced accuracy": balanced(models, labels, audits),
        "Accuracy on frames to come": to_come(models, labels, frames, audits),
    }
    for title, rows in tables.items():
        console.print(_table(title, rows))


def accuracy(models: list[Model], labels_N: Classes, audits: int) -> Iterator[tuple[str, int, Row]]:
    """Proposals side by side."""
    whats = ("random", "by class", "by class, confidence")
    rivals = ("random + control variate", "strata + control variate", "active, 20 % uniform", "active, 50 % uniform")
    rows = {(what, n): Row() for what in (*whats, *rivals) for n in SIZES}
    for model in models:
        right_N = (model.predicted_N == labels_N).astype(np.float64)
        drawn = {what: _drawn(models[0] if what == "random" else model, what, audits) for what in whats}
        for what, (rows_An, cells_An, sizes) in drawn.items():
            _judge({n: rows[what, n] for n in SIZES}, right_N[rows_An], cells_An, sizes, float(right_N.mean()), 0)
        for n in SIZES:
            for rival, what in zip(rivals[:2], (whats[0], whats[-1]), strict=True):
                rows_An, cells_An, sizes = drawn[what]
                weights_An = weights_of(cells_An[:, :n], sizes)
                _control_variate(rows[rival, n], model, right_N, rows_An[:, :n], weights_An)
            _active(rows[rivals[2], n], model, right_N, n, audits, 0.2)
            _active(rows[rivals[3], n], model, right_N, n, audits, 0.5)
    yield from ((what, n, row) for (what, n), row in rows.items())


def difference(models: list[Model], labels_N: Classes, audits: int) -> Iterator[tuple[str, int, Row]]:
    """Images on which two models differ, against all images."""
    whats = ("drawn for the difference", "drawn for accuracy")
    rows = {(what, n): Row() for what in whats for n in SIZES}
    for first, second in pairwise(models):
        value_N = (first.predicted_N == labels_N) * 1.0 - (second.predicted_N == labels_N)
        for what in whats:
            against = second if what == whats[0] else None
            rows_An, cells_An, sizes = _drawn(first, "by class, confidence", audits, against)
            scale = float(sizes.sum()) / len(labels_N)
            judged = {n: rows[what, n] for n in SIZES}
            _judge(judged, value_N[rows_An], cells_An, sizes, float(value_N.mean()) / scale, -1, scale)
    yield from ((what, n, row) for (what, n), row in rows.items())


def balanced(models: list[Model], labels_N: Classes, audits: int) -> Iterator[tuple[str, int, Row]]:
    """The ratio estimate, of audits in which each class has enough labels; their share is in the first column."""
    classes = int(labels_N.max()) + 1
    rows, shares = {n: Row() for n in SIZES}, dict[int, list[float]]({n: [] for n in SIZES})
    for model in models:
        right_N = (model.predicted_N == labels_N).astype(np.float64)
        truth = float(np.mean([right_N[labels_N == one].mean() for one in range(classes)]))
        rows_An, _, _ = _drawn(model, "by class, confidence", audits)
        for n, row in rows.items():
            of_class = labels_N[rows_An[:, :n], None] == np.arange(classes)
            counts = of_class.sum(axis=1)
            enough = counts.min(axis=1) >= MIN_LABELS
            shares[n].append(float(enough.mean()))
            if enough.any():
                recalls = (of_class * right_N[rows_An[:, :n], None]).sum(axis=1)[enough] / counts[enough]
                row.add(recalls.mean(axis=1), truth, balanced_limits(recalls, counts[enough], LEVEL))
    yield from ((f"there in {np.mean(shares[n]):.1%} of audits", n, row) for n, row in rows.items())


def to_come(models: list[Model], labels_N: Classes, frames_N: Classes, audits: int) -> Iterator[tuple[str, int, Row]]:
    """The frames that are there as all that there might be: each audit is of as many frames, drawn with replacement."""
    rows = {n: Row() for n in SIZES}
    members = [np.flatnonzero(frames_N == frame) for frame in range(frames_N.max() + 1)]
    for model in models:
        right_N = (model.predicted_N == labels_N).astype(np.float64)
        found: dict[int, list[tuple[float, float, float]]] = {n: [] for n in SIZES}
        for seed in range(audits):
            chosen = np.random.default_rng(seed).integers(len(members), size=len(members))
            images = np.concatenate([members[frame] for frame in chosen])
            frames = np.repeat(np.arange(len(chosen)), [len(members[frame]) for frame in chosen])
            drawn = draw(model.predicted_N[images], SIZES[-1], seed, "stratified", None, model.margin_N[images])
            for n in SIZES:
                rows_n = np.array(drawn.rows[:n])
                weights, y_n = weights_of(np.array(drawn.cells[:n]), np.array(drawn.sizes)), right_N[images][rows_n]
                mean, effective = float(weights @ y_n), effective_frames(frames[rows_n])
                interval = frames_interval(mean, weights * (y_n - mean), frames[rows_n], effective, LEVEL)
                found[n].append((mean, interval.low, interval.high))
        for n, row in rows.items():
            estimates, low, high = np.array(found[n]).T
            row.add(estimates, float(right_N.mean()), (low, high))
    yield from (("t over frames", n, row) for n, row in rows.items())


def _judge(
    rows: dict[int, Row], y: Array, cells: Classes, sizes: Classes, truth: float, least: int, scale: float = 1.0
) -> None:
    """Add the audits of one model, values y (audits, n), for each n."""
    for n, row in rows.items():
        some, of = y[:, :n], cells[:, :n]
        low, high = score_limits(some, of, sizes, LEVEL, least)
        estimates = (weights_of(of, sizes) * some).sum(axis=-1)
        row.add(scale * estimates, scale * truth, (scale * low, scale * high))
        low, high = betting_limits(some[:WIDTHS], of[:WIDTHS], sizes, LEVEL, least)
        row.any_half.append(scale * float(np.mean(high - low) / 2))
        unit, mean = (some - least) / (1 - least), np.full(len(y), (truth - least) / (1 - least))
        lost = np.maximum(log_capital(mean, unit, of, sizes), log_capital(1 - mean, 1 - unit, of, sizes))
        row.any_covers.append(float(np.mean(lost < np.log(2 / (1 - LEVEL)))))


def _control_variate(row: Row, model: Model, right_N: Array, rows_An: Classes, weights_An: Array) -> None:
    """PPI++ (Angelopoulos et al. 2023): confidence, whose mean is known, with the coefficient of least variance."""
    n, y, known = rows_An.shape[1], right_N[rows_An], model.confidence_N[rows_An]
    centred = known - known.mean(axis=1, keepdims=True)
    slope = (centred * y).sum(axis=1) / (centred**2).sum(axis=1)
    estimates = (weights_An * (y - slope[:, None] * known)).sum(axis=1) + slope * model.confidence_N.mean()
    rest = np.var(y - slope[:, None] * known, axis=1, ddof=1) * (1 - n / len(right_N))
    row.add(estimates, float(right_N.mean()), _normal(estimates, rest / n))


def _active(row: Row, model: Model, right_N: Array, n: int, audits: int, uniform: float) -> None:
    """LURE with draws in proportion to the root of 1 - confidence, mixed with a uniform share."""
    images, generator = len(right_N), np.random.default_rng(n)
    root = np.sqrt(np.maximum(1 - model.confidence_N, 0.02))
    chance = uniform / images + (1 - uniform) * root / root.sum()
    drawn = (np.log(chance) + generator.gumbel(size=(audits, images))).argsort(axis=1)[:, : -n - 1 : -1]
    left = 1 - np.cumsum(chance[drawn], axis=1) + chance[drawn]
    turn = np.arange(1, n + 1)
    weights = 1 + (images - n) / (images - turn) * (left / ((images - turn + 1) * chance[drawn]) - 1)
    terms = weights * right_N[drawn]
    estimates = terms.mean(axis=1)
    row.add(estimates, float(right_N.mean()), _normal(estimates, terms.var(axis=1, ddof=1) * (1 - n / images) / n))


def _normal(estimates: Array, variance: Array) -> tuple[Array, Array]:
    return estimates - 1.96 * np.sqrt(variance), estimates + 1.96 * np.sqrt(variance)


@cache
def _drawn(model: Model, what: str, audits: int, against: Model | None = None) -> tuple[Classes, Classes, Classes]:
    """Rows and cells (audits, n), and sizes of cells."""
    confidence = model.margin_N if "confidence" in what else None
    proposal: Proposal = "random" if what == "random" else "stratified"
    second = against.predicted_N if against else None
    drawn = [draw(model.predicted_N, SIZES[-1], seed, proposal, second, confidence) for seed in range(audits)]
    return np.array([one.rows for one in drawn]), np.array([one.cells for one in drawn]), np.array(drawn[0].sizes)


def _models(store: Path, images: int) -> Iterator[Model]:
    for record in sorted(store.glob("stages/transfer-*/artifact.json")):
        recipe = json.loads(record.read_text())["recipe"]
        logits = Outputs.load(record.parent).target_logits.numpy()
        if len(logits) == images:
            top = np.sort(logits, axis=1)
            confidence = softmax(logits, axis=1).max(axis=1)
            yield Model(
                f"{recipe['name']}-{recipe['seed']}", logits.argmax(axis=1), top[:, -1] - top[:, -2], confidence
            )


def _table(title: str, rows: Iterator[tuple[str, int, Row]]) -> Table:
    columns = (
        "n",
        "bias (worst)",
        "sd",
        "+-",
        "covers % (least, most)",
        "+- any look",
        "covers all % (worst)",
    )
    table = Table(title, *columns, title_justify="left")
    for what, n, row in rows:
        if row.bias:
            table.add_row(what, str(n), *_cells(row))
    return table


def _cells(row: Row) -> Iterator[str]:
    yield f"{100 * max(row.bias, key=abs):+.2f}"
    yield f"{100 * np.mean(row.deviation):.2f}"
    yield f"{100 * np.mean(row.half):.1f}"
    yield f"{100 * np.mean(row.covers):.1f} ({100 * min(row.covers):.1f}, {100 * max(row.covers):.1f})"
    yield f"{100 * np.mean(row.any_half):.1f}" if row.any_half else ""
    yield f"{100 * np.mean(row.any_covers):.1f} ({100 * min(row.any_covers):.1f})" if row.any_half else ""


if __name__ == "__main__":
    main()
