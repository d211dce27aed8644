"""Rounds of seeds, nuisance searches, and what a study's identity covers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from sfcmt.callbacks import Callback
from sfcmt.config import TransferConfig
from sfcmt.errors import ConfigError
from sfcmt.reports.sources.ablation import read_ablation
from sfcmt.testing.tiny import Recorder, write_tiny
from sfcmt.tuning.ablation.results import values_of
from sfcmt.tuning.ablation.run import next_counts, run_ablation
from sfcmt.tuning.ablation.stopping import StoppingRule
from sfcmt.tuning.comparison import Comparison
from sfcmt.tuning.search.study import Study
from tests.tuning.ablation.workplace import Workplace

RULE = StoppingRule((2, 4, 5), alpha=0.15)  # each look at 0.95: t is 12.7 with 1, and 3.18 with 3 degrees of freedom


def by_seed(*values: float) -> dict[int, float]:
    """Values of the first seeds."""
    return dict(enumerate(values))


class TestNextCounts:
    def test_arms_go_on_one_by_one_and_the_baseline_with_the_longest(self) -> None:
        values = {"baseline": by_seed(0, 0), "clear": by_seed(5, 5.1), "dim": by_seed(1, -1)}
        counts = {"baseline": 2, "clear": 2, "dim": 2}
        counts = next_counts(RULE, values, counts)
        assert counts == {"baseline": 4, "clear": 2, "dim": 4}
        values |= {"baseline": by_seed(0, 0, 0, 0), "dim": by_seed(1, -1, 3, 1)}  # 1 +- 3.18 * 1.63 / 2
        counts = next_counts(RULE, values, counts)
        assert counts == {"baseline": 5, "clear": 2, "dim": 5}
        values |= {"baseline": by_seed(0, 0, 0, 0, 0), "dim": by_seed(1, -1, 3, 1, 0)}
        assert next_counts(RULE, values, counts) == counts

    def test_differences_are_paired_by_seed(self) -> None:
        values = {"baseline": by_seed(1, 20, 300), "dim": by_seed(2, 21.1)}
        counts = {"baseline": 3, "dim": 2}
        assert next_counts(RULE, values, counts) == counts

    @pytest.mark.parametrize("lost", ["baseline", "dim"])
    def test_a_pair_that_diverged_is_made_up_for_within_the_budget(self, lost: str) -> None:
        values = {"baseline": by_seed(0, 0), "dim": by_seed(1, -1)}
        del values[lost][1]
        counts = next_counts(RULE, values, {"baseline": 2, "dim": 2})
        assert counts == {"baseline": 3, "dim": 3}
        values = {"baseline": by_seed(0, 0, 0, 0), "dim": by_seed(1, -1, 3, 1)}
        del values[lost][3]
        counts = next_counts(RULE, values, {"baseline": 4, "dim": 4})
        assert counts == {"baseline": 5, "dim": 5}
        assert next_counts(RULE, values, counts) == counts  # the budget


class TestIdentity:
    @pytest.mark.parametrize("changes", [
        {"seeds": {"min": 2, "max": 3}},
        {"test": {"alpha": 0.1}},
        {"design": "factorial"},
        {"factors": {"features": {"transfer.beta_f": 1}, "self": {"transfer.beta_self": 0}}},
        {"set": ["transfer.beta_kl=2"]},
        {"nuisance": {"space": {"transfer.lr": {"log": [1e-4, 1e-3]}}}},
    ])  # fmt: skip
    def test_changes_with_what_can_change_a_row(self, tiny_data: Path, tmp_path: Path, changes: dict[str, Any]) -> None:
        first, other = Workplace(tmp_path / "a", tiny_data), Workplace(tmp_path / "b", tiny_data, **changes)
        assert first.ablation().identity != other.ablation().identity

    def test_ignores_what_cannot(self, tiny_data: Path, tmp_path: Path) -> None:
        first = Workplace(tmp_path / "a", tiny_data)
        factors = {"features": {"transfer.beta_f": 0.0}, "self": {"transfer.beta_self": 0}}
        other = Workplace(tmp_path / "b", tiny_data, factors=factors, seeds=3, resources={"concurrent": 2, "cpus": 2})
        assert first.ablation().identity == other.ablation().identity

    def test_changes_with_the_data(self, tiny_data: Path, tmp_path: Path) -> None:
        first = Workplace(tmp_path / "a", tiny_data)
        other = Workplace(tmp_path / "b", write_tiny(tmp_path / "data", rows=30))
        assert first.ablation().identity != other.ablation().identity


def test_seeds_are_not_added_by_labels_that_are_not_there(tmp_path: Path) -> None:
    data = write_tiny(tmp_path / "data", rows=30, labelled=False)
    place = Workplace(tmp_path / "place", data, seeds={"min": 2, "max": 3})
    with pytest.raises(ConfigError, match=r"test\.metric: 'oracle_balanced_accuracy' is not allowed.*no sealed labels"):
        place.ablation()


def test_an_ablation_is_no_search(tiny_data: Path, tmp_path: Path) -> None:
    ablation = Workplace(tmp_path / "place", tiny_data).ablation()
    for place in ("cut", str(ablation.folder)):
        with pytest.raises(ConfigError, match="STUDY"):
            Study.find(place, ablation.store.place)


@pytest.mark.slow
def test_seeds_are_added_until_enough_is_known(tiny_data: Path, tmp_path: Path) -> None:
    """Each arm has as many as the rule asks for, and the baseline as many as any."""
    factors = {"tenth": {"transfer.beta_self": 0.27}, "features": {"transfer.beta_f": 0}}
    test = {"metric": "pair_cosine", "correction": "none"}
    place = Workplace(tmp_path / "place", tiny_data, factors=factors, seeds={"min": 2, "max": 3, "looks": 2}, test=test)
    ablation = place.ablation()
    table = run_ablation(ablation, Callback())
    assert ablation.rule is not None
    values = values_of(table, "validator/pair_cosine")
    for arm in ("no-tenth", "no-features"):
        differences = [value - values["baseline"][seed] for seed, value in values[arm].items()]
        decision = ablation.rule.decide(differences)
        assert (decision.verdict != "go on", decision.n) == (True, len(differences))
    assert list(values["baseline"]) == list(range(max(map(len, values.values()))))
    before, recorder = place.results(), Recorder()
    assert run_ablation(place.ablation(), recorder) == table
    assert {is_found for _, is_found in recorder.ended} == {True}
    assert place.results() == before


@pytest.mark.long
@pytest.mark.slow
@pytest.mark.xdist_group("search")
def test_nuisance_fields_are_searched_in_each_arm(tiny_data: Path, tmp_path: Path, four_cpus: None) -> None:
    nuisance = {"space": {"transfer.lr": {"log": [1e-3, 1e-2]}}, "trials": 2, "validator": "infomax"}
    changes = {"factors": {"self": {"transfer.beta_self": 0}}, "resources": {"concurrent": 1}}
    place = Workplace(tmp_path / "place", tiny_data, nuisance=nuisance, **changes)
    ablation = place.ablation()
    table = run_ablation(ablation, Callback())
    picked = json.loads((ablation.folder / "nuisance.json").read_text())
    assert set(picked) == {"baseline", "no-self"}
    suggested = []
    for arm, beta in (("baseline", 0.3), ("no-self", 0)):
        search = Study.find(picked[arm]["search"], ablation.store.place)
        assert search.experiment.transfer.beta_self == beta
        assert search.selection()["values"] == picked[arm]["values"]
        suggested.append([trial.params for trial in search.trials])
        trained = [run.recipe.settings(TransferConfig).lr for run in ablation.runs({"baseline": 2, "no-self": 2})
                   if run.arm.name == arm]  # fmt: skip
        assert trained == [picked[arm]["values"]["transfer.lr"]] * 2
    assert suggested[0] == suggested[1]  # the same budget, at the same points
    assert table["reused"].to_pylist() == [True, False] * 2  # the search was at the first seed
    assert run_ablation(place.ablation(), Callback()) == table


@pytest.mark.slow
def test_methods_are_compared_and_held_against_the_oracles(tiny_data: Path, tmp_path: Path) -> None:
    methods = ["source_only", "bn_adapt"]
    place = Workplace(tmp_path / "place", tiny_data, design="methods", factors={}, methods=methods, oracles=True)
    ablation, recorder = place.ablation(), Recorder()
    table = run_ablation(ablation, recorder)
    assert table["method"].to_pylist() == ["tgkt"] * 2 + ["source_only"] * 2 + ["bn_adapt"] * 2
    assert table["arm"] == table["method"]
    kinds = [kind for kind, _ in recorder.ended]
    assert "transfer" not in kinds[kinds.index("oracle_supervised") :]  # oracles come when all is chosen and trained
    results = read_ablation(ablation.folder, json.loads((ablation.folder / "spec.json").read_text()))
    expected = Comparison(ablation.experiment, ["tgkt", *methods], [0, 1], oracles=True).scores()
    for seed in (0, 1):
        assert results.oracles["oracle_supervised"][seed] == expected["oracle_supervised", seed].balanced_accuracy
    accuracies = {(row["arm"], row["seed"]): row["oracle/balanced_accuracy"] for row in table.to_pylist()}
    assert accuracies == {key: one.balanced_accuracy for key, one in expected.items() if key in accuracies}
