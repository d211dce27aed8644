"""The table and the JSON of a summary, against numbers worked out by hand."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from sfcmt.artifact import Artifact
from sfcmt.callbacks import Callback
from sfcmt.testing.tiny import tiny_experiment, write_tiny
from sfcmt.tuning.comparison import Comparison
from sfcmt.tuning.summary import StageCounter, Summary, SummaryRow, summarise, table_of
from tests.tuning.conftest import METHODS, SEEDS

ORACLE = SummaryRow("oracle_real_source", True, ["c"], {}, [1.0, 0.98], [1.0, 0.96])
TGKT = SummaryRow("tgkt", False, ["a"], {"grounding": [0.5, 0.7], "ensv": [0.9, 0.9]}, [0.4, 0.6], [0.5, 0.5])
SHOT = SummaryRow("shot", False, ["b"], {"grounding": [0.25]}, [], [])


def printed(summary: Summary, width: int = 80) -> list[str]:
    """The table's lines."""
    console = Console(file=io.StringIO(), width=width)
    console.print(table_of(summary))
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue().splitlines()


def cells(lines: list[str]) -> dict[str, list[str]]:
    """A row's cells by its first."""
    return {line.split()[0]: line.split()[1:] for line in lines if line.strip()}


def test_means_and_spreads() -> None:
    found = cells(printed(Summary("mine", "tiny", [0, 1], [TGKT, SHOT, ORACLE])))
    # deviations of two values are their distance over the root of two
    assert found["tgkt"] == ["0.600±0.141", "0.900±0.000", "50.0±14.1", "50.0±0.0"]
    assert found["shot"] == ["0.250", "-", "-", "-"]
    assert found["oracle_real_source"] == ["-", "-", "99.0±1.4", "98.0±2.8"]


def test_oracle_rows_come_last_in_a_section_of_their_own() -> None:
    lines = printed(Summary("mine", "tiny", [0, 1], [ORACLE, TGKT, SHOT]))
    names = [line.split()[0] if line.strip() else "" for line in lines]
    assert names[names.index("tgkt") :][:4] == ["tgkt", "shot", "", "oracle_real_source"]


def test_images_that_are_held_out_have_a_column_of_their_own() -> None:
    held_out = replace(TGKT, held_out_accuracy=[0.3, 0.5], held_out_balanced_accuracy=[0.25, 0.35])
    lines = printed(Summary("mine", "tiny", [0, 1], [held_out, ORACLE]), width=100)
    assert cells(lines)["tgkt"][-2:] == ["50.0±0.0", "30.0±7.1"]
    assert cells(lines)["oracle_real_source"][-2:] == ["98.0±2.8", "-"]
    assert "Held out: balanced, on images of frames that were held out of adaptation;" in "\n".join(lines)
    assert max(map(len, printed(Summary("mine", "tiny", [0, 1], [held_out, ORACLE])))) <= 80


@pytest.mark.parametrize("width", [80, 120])
def test_nothing_is_cut_short(width: int) -> None:
    lines = printed(Summary("mine", "tiny", [0, 1], [ORACLE, TGKT, SHOT]), width)
    assert max(map(len, lines)) <= width
    assert "…" not in "".join(lines)
    assert lines[0].strip() == "mine on tiny, seeds 0, 1"
    assert "label-free label-free oracle % oracle %" in [" ".join(line.split()) for line in lines]


def test_it_gathers_one_value_a_seed(trained: Comparison) -> None:
    summary = summarise("mine", trained)
    assert [(row.method, row.is_oracle) for row in summary.rows] == [
        *((name, False) for name in METHODS),
        ("oracle_supervised", True),
        ("oracle_real_source", True),
    ]
    scores = trained.scores()
    for row in summary.rows:
        assert row.accuracy == [scores[row.method, seed].accuracy for seed in SEEDS]
        assert row.balanced_accuracy == [scores[row.method, seed].balanced_accuracy for seed in SEEDS]
        assert len(set(row.identities)) == len(SEEDS)
        assert all(len(values) == len(SEEDS) for values in row.validators.values())
        assert bool(row.validators) is not row.is_oracle


def test_without_labels_the_oracle_columns_are_dashes(tmp_path: Path) -> None:
    folder = write_tiny(tmp_path / "data", labelled=False)
    comparison = Comparison(tiny_experiment(folder, tmp_path / "store"), ["source_only"], [0], oracles=True)
    comparison.train(Callback())
    (row,) = summarise("mine", comparison).rows
    assert (row.accuracy, row.balanced_accuracy) == ([], [])
    assert cells(printed(summarise("mine", comparison)))["source_only"][-2:] == ["-", "-"]


def test_json_round_trip(trained: Comparison) -> None:
    summary = summarise("mine", trained)
    raw = json.loads(json.dumps(summary.as_json()))
    rows = [SummaryRow(**row) for row in raw.pop("rows")]
    assert Summary(**raw, rows=rows) == summary


def test_stages_are_counted_once_by_how_they_were_first_met(trained: Comparison) -> None:
    first, second = trained.transfers[:2]
    counter = StageCounter()
    for recipe, reused in ((first, False), (first, True), (second, True), (second, True)):
        counter.stage_ended(recipe, Artifact(Path("nowhere"), reused))
    assert (counter.trained, counter.found) == ({first.identity}, {second.identity})
