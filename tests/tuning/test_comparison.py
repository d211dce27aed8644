"""What a comparison trains, and how it is judged."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch

from sfcmt.callbacks import Callback
from sfcmt.data.schema import Split
from sfcmt.errors import ConfigError
from sfcmt.evaluation.labels import open_labels
from sfcmt.grounding.gate import ASSOCIATION
from sfcmt.outputs import Outputs
from sfcmt.testing.tiny import Recorder, contents, tiny_experiment, write_tiny
from sfcmt.tuning.comparison import Comparison
from sfcmt.tuning.summary import StageCounter, summarise
from sfcmt.validators import POOL_VALIDATORS, VALIDATORS
from tests.tuning.conftest import METHODS, SEEDS


def stages_of(store: Path) -> dict[str, dict[str, bytes]]:
    return {path.name: dict(contents(path)) for path in sorted((store / "stages").iterdir())}


def test_shared_stages_are_trained_once(tiny_data: Path, tmp_path: Path) -> None:
    experiment = tiny_experiment(tiny_data, tmp_path)
    recorder, counter = Recorder(), StageCounter()
    Comparison(experiment, ["tgkt", "translator_only", "source_only"], [0], oracles=True).train(recorder)
    assert sorted(recorder.started) == ["bridge", *["oracle_fold"] * 3, "source", "transfer"]
    Comparison(experiment, ["tgkt", "translator_only", "source_only"], [0], oracles=True).train(counter)
    assert (len(counter.trained), len(counter.found)) == (0, 6)


def test_nothing_is_trained_where_a_later_stage_could_not_be(tiny_data: Path, tmp_path: Path) -> None:
    """The source model takes images of the source's size, and not of the target's."""
    experiment = tiny_experiment(tiny_data, tmp_path, source={"backbone": "levit_128s", "size": 64})
    recorder = Recorder()
    with pytest.raises(ConfigError, match="levit_128s, made for 64 pixels, takes in batches of 16"):
        Comparison(experiment, ["tgkt"], [0]).train(recorder)
    assert (recorder.started, recorder.ended) == ([], [])


@pytest.mark.slow
def test_two_processes_make_the_same_bytes_as_one(trained: Comparison, tmp_path: Path) -> None:
    experiment = tiny_experiment(trained.dataset.folder, tmp_path)
    comparison = Comparison(experiment, METHODS, SEEDS[:1], oracles=True)
    counter, recorder = StageCounter(), Recorder()
    comparison.train(counter, jobs=2)
    assert stages_of(tmp_path).items() <= stages_of(trained.store.root).items()
    assert len(stages_of(tmp_path)) == len(counter.trained) == 1 + 1 + 1 + 2 + 2 + 3
    assert counter.found == set()
    comparison.train(recorder, jobs=2)
    assert len(recorder.ended) == len(comparison.transfers) + len(comparison.pair_evidence) + len(comparison.oracles)
    assert all(reused for _, reused in recorder.ended)


def test_pool_validators_see_the_methods_of_one_seed(trained: Comparison, monkeypatch: pytest.MonkeyPatch) -> None:
    pools: list[list[Outputs]] = []

    def places(pool: Sequence[Outputs]) -> list[float]:
        pools.append(list(pool))
        return [float(place) for place in range(len(pool))]

    monkeypatch.setitem(POOL_VALIDATORS._members, "places", places)
    found = list(Comparison(trained.experiment, METHODS, SEEDS).validations())
    assert [(cell.seed, cell.method) for cell, _ in found] == [(seed, name) for seed in SEEDS for name in METHODS]
    assert [scores["places"] for _, scores in found] == [0, 1, 0, 1]
    assert len(pools) == len(SEEDS)
    for seed, pool in zip(SEEDS, pools, strict=True):
        expected = [cell.outputs for cell in trained.cells if cell.seed == seed]
        for one, other in zip(pool, expected, strict=True):
            assert torch.equal(one.target_logits, other.target_logits)
    assert all(set(scores) == {*VALIDATORS, *POOL_VALIDATORS, ASSOCIATION} for _, scores in found)


def test_scores_judge_cells_and_oracles(trained: Comparison) -> None:
    scores = trained.scores()
    oracles = ["oracle_supervised", "oracle_real_source"]
    assert set(scores) == {(name, seed) for name in [*METHODS, *oracles] for seed in SEEDS}
    labels = open_labels(trained.dataset).labels_N.tolist()
    for cell in trained.cells:
        predicted = cell.outputs.target_logits.argmax(dim=1).tolist()
        right = sum(one == other for one, other in zip(predicted, labels, strict=True))
        assert scores[cell.method, cell.seed].accuracy == pytest.approx(right / 60)


def test_without_labels_nothing_is_judged(tmp_path: Path) -> None:
    folder = write_tiny(tmp_path / "data", labelled=False)
    comparison = Comparison(tiny_experiment(folder, tmp_path / "store"), ["source_only"], [0], oracles=True)
    comparison.train(Callback())
    assert comparison.oracles == []
    assert comparison.scores() == {}
    assert len(list(comparison.validations())) == 1


def test_models_of_other_people_are_in_the_pool_and_the_table(trained: Comparison, tmp_path: Path) -> None:
    file = tmp_path / "theirs.parquet"
    ids = trained.dataset.columns(Split.TARGET, "id")["id"].to_pylist()
    logits_NK = trained.cells[0].outputs.target_logits
    pq.write_table(pa.table({"id": ids, **dict(zip(trained.dataset.classes, logits_NK.T.numpy(), strict=True))}), file)
    comparison = Comparison(trained.experiment, METHODS, SEEDS, others={"theirs": file})
    summary = summarise("mine", comparison)
    rows = {row.method: row for row in summary.rows}
    assert rows["theirs"].validators["infomax"][0] == pytest.approx(rows[METHODS[0]].validators["infomax"][0])
    assert rows["theirs"].accuracy == [rows[METHODS[0]].accuracy[0]] * len(SEEDS)
    assert [len(choice.gate.associations) for choice in comparison.choices.values() if choice.gate] == [3] * len(SEEDS)
    assert len(summary.chosen) == len(SEEDS)
