"""The contract of the Optuna study, on every storage that it may be kept in."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from optuna.trial import TrialState

from sfcmt.tuning.search.optuna_study import REASON, OptunaStudy
from sfcmt.tuning.search.space import Distribution, Space, Values
from sfcmt.tuning.search.spec import Scheduler, Search
from tests.command import Command
from tests.patience import PATIENCE
from tests.tuning.search.storages import postgres

SPACE = {"a": Distribution(uniform=(0, 1)), "b": Distribution(log=(0.1, 10)), "c": Distribution(choice=("x", "y"))}
GRID = {"a": Distribution(choice=(0, 1, 2)), "c": Distribution(choice=("x", "y"))}
ASHA = {"asha": {"grace": 1, "reduction": 2}}
DRIVER = """
import sys, time
from pathlib import Path
from tests.tuning.search.test_optuna_study import open_study
study = open_study(Path(sys.argv[1]), sys.argv[2] or None, trials=int(sys.argv[3]), sampler="tpe", startup=3)
while (found := study.next_trial()) is not None:
    print(found[0], found[1], sep="|", flush=True)
    if sys.argv[4] == "hang":
        time.sleep(600)
    study.complete(found[0], [found[1]["a"]])
"""


def open_study(
    folder: Path,
    storage: str | None,
    space: Space = SPACE,
    scheduler: dict[str, Any] | None = None,
    objectives: int = 1,
    epochs: int = 8,
    **search: Any,
) -> OptunaStudy:
    chosen = Scheduler.model_validate(scheduler or {})
    asked = Search(**{"sampler": "random", "trials": 4} | search)
    return OptunaStudy(folder, folder.name, space, asked, chosen, objectives, storage, epochs)


def driver(folder: Path, storage: str | None, trials: int, then: str) -> Command:
    """Another process on the same study. It prints a line for each trial that it takes."""
    arguments = ("-c", DRIVER, str(folder), storage or "", str(trials), then)
    return Command(*arguments, cwd=Path(__file__).parents[3])


def taken(line: str) -> tuple[int, str]:
    number, values = line.strip().split("|")
    return int(number), values


def ask(study: OptunaStudy) -> tuple[int, Values]:
    found = study.next_trial()
    assert found is not None
    return found


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with postgres() as url:
        yield url


@pytest.fixture(params=["journal", "sqlite", "postgresql"])
def storage(request: pytest.FixtureRequest, tmp_path: Path) -> str | None:
    if request.param == "journal":
        return None
    return f"sqlite:///{tmp_path}/study.db" if request.param == "sqlite" else request.getfixturevalue("server")


@pytest.fixture
def folder(tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    """The study's folder; its name, which is the study's and deals trials to Hyperband's brackets, is the test's."""
    return tmp_path / str(request.node.name)


class TestEnds:
    def test_early_stop_is_pruned_with_all_its_values(self, folder: Path, storage: str | None) -> None:
        study = open_study(folder, storage, scheduler=ASHA)
        number, values = ask(study)
        for step, value in ((1, 0.2), (2, 0.4), (3, 0.3)):
            study.report(number, step, value)
        study.prune(number)
        frozen = study.frozen(number)
        assert frozen.state == TrialState.PRUNED
        assert frozen.intermediate_values == {1: 0.2, 2: 0.4, 3: 0.3}
        assert frozen.user_attrs["values"] == frozen.params == values
        study.complete(number, [1.0])  # a late end changes nothing
        assert study.frozen(number).state == TrialState.PRUNED

    @pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
    def test_what_is_no_number_has_failed(self, folder: Path, storage: str | None, value: float) -> None:
        study = open_study(folder, storage, scheduler=ASHA)
        ended, stopped = ask(study)[0], ask(study)[0]
        study.complete(ended, [value])
        study.report(stopped, 1, 0.5)
        study.report(stopped, 2, value)
        study.prune(stopped)
        assert [study.frozen(number).state for number in (ended, stopped)] == [TrialState.FAIL] * 2
        assert study.frozen(ended).user_attrs[REASON] == f"the objective is {value}"
        assert study.frozen(stopped).user_attrs[REASON] == f"the objective is {value} after epoch 2"

    def test_a_failure_keeps_its_reason(self, folder: Path, storage: str | None) -> None:
        study = open_study(folder, storage)
        study.note(ask(study)[0], "seconds", [1, {"b": 2.5}])
        study.fail(0, "out of memory")
        study.fail(0, "a second end, which changes nothing")
        del study
        again = open_study(folder, storage).frozen(0)
        assert (again.state, again.user_attrs[REASON]) == (TrialState.FAIL, "out of memory")
        assert again.user_attrs["seconds"] == [1, {"b": 2.5}]

    def test_the_first_report_of_a_step_counts(self, folder: Path, storage: str | None) -> None:
        study = open_study(folder, storage)
        number, _ = ask(study)
        study.report(number, 1, 0.25)
        study.report(number, 1, 0.75)
        assert study.frozen(number).intermediate_values == {1: 0.25}

    def test_two_objectives(self, folder: Path, storage: str | None) -> None:
        study = open_study(folder, storage, objectives=2)
        for ends in ([0.1, 0.9], [0.5, 0.5], [0.4, 0.4], [0.5, math.nan]):
            study.complete(ask(study)[0], ends)
        assert {trial.number for trial in study.study.best_trials} == {0, 1}
        assert study.frozen(3).state == TrialState.FAIL


class TestBudget:
    def test_as_many_as_were_asked_for_then_none(self, folder: Path, storage: str | None) -> None:
        study = open_study(folder, storage, trials=3)
        assert [ask(study)[0] for _ in range(3)] == [0, 1, 2]
        assert study.next_trial() is None
        study.complete(0, [0.1])
        study.fail(1, "why not")
        assert not study.is_finished
        study.complete(2, [0.2])
        assert study.is_finished
        assert study.next_trial() is None

    def test_a_study_that_is_not_full_is_not_finished(self, folder: Path, storage: str | None) -> None:
        study = open_study(folder, storage, trials=2)
        study.complete(ask(study)[0], [0.1])
        assert not study.is_finished

    @pytest.mark.slow
    def test_two_drivers_share_a_study(self, folder: Path, storage: str | None) -> None:
        open_study(folder, storage)
        drivers = [driver(folder, storage, 14, "complete") for _ in range(2)]
        lines = [one.communicate(timeout=PATIENCE)[0].splitlines() for one in drivers]
        assert [one.returncode for one in drivers] == [0, 0]
        found = [taken(line) for part in lines for line in part]
        assert sorted(number for number, _ in found) == list(range(14))
        assert len({values for _, values in found}) == 14
        assert open_study(folder, storage, trials=14).is_finished


class TestDrivers:
    @pytest.mark.slow
    def test_a_dead_ones_trial_is_taken_again_and_a_live_ones_is_not(self, folder: Path, storage: str | None) -> None:
        with driver(folder, storage, 3, "hang") as other:
            number, values = taken(other.stdout.readline())
            mine = open_study(folder, storage, trials=3)
            assert (number, ask(mine)[0]) == (0, 1)
            mine.report(0, 1, 0.5)
            other.kill()
        again, same = ask(mine)
        assert (again, str(same)) == (number, values)
        assert mine.frozen(0).intermediate_values == {1: 0.5}
        assert ask(mine)[0] == 2
        assert mine.next_trial() is None

    @pytest.mark.parametrize(("sampler", "space"), [("tpe", SPACE), ("grid", GRID), ("qmc", SPACE)])
    def test_one_killed_while_asking_leaves_a_trial_that_can_be_taken(
        self, folder: Path, storage: str | None, sampler: str, space: Space
    ) -> None:
        study = open_study(folder, storage, space, sampler=sampler)
        undisturbed = open_study(folder.with_name(f"{folder.name}-2"), storage, space, sampler=sampler)
        assert study.driver
        study.study._storage.create_new_trial(study.study._study_id)  # all that such a driver did
        assert ask(study) == ask(undisturbed)


class TestSuggestions:
    @pytest.mark.parametrize(
        ("sampler", "trials"), [("tpe", 12), ("random", 5), ("qmc", 9), ("grid", 6), ("nsga2", 5), ("gp", 5)]
    )
    @pytest.mark.filterwarnings("ignore::optuna.exceptions.ExperimentalWarning")
    def test_the_same_seed_suggests_the_same(self, tmp_path: Path, sampler: str, trials: int) -> None:
        def suggested(name: str, reopened: bool, seed: int = 7) -> list[Values]:
            found, study = [], None
            for _ in range(trials):
                if study is None or reopened:
                    del study
                    study = open_study(
                        tmp_path / name,
                        None,
                        GRID if sampler == "grid" else SPACE,
                        sampler=sampler,
                        trials=trials,
                        seed=seed,
                        startup=3,
                    )
                number, values = ask(study)
                study.complete(number, [-((values["a"] - 0.3) ** 2)])
                found.append(values)
            return found

        first = suggested("first", reopened=False)
        assert len({str(values) for values in first}) == trials
        assert suggested("second", reopened=False) == first
        assert suggested("reopened", reopened=True) == first
        assert suggested("other", reopened=False, seed=8) != first

    def test_a_grid_is_walked_whole_whatever_becomes_of_its_trials(self, folder: Path, storage: str | None) -> None:
        study = open_study(folder, storage, GRID, sampler="grid", trials=6)
        found = []
        for _ in range(6):
            number, values = ask(study)
            found.append(tuple(values.values()))
            if number % 3 == 0:
                study.complete(number, [0.5])
            elif number % 3 == 1:
                study.fail(number, "why not")
        assert sorted(found) == [(a, c) for a in (0, 1, 2) for c in ("x", "y")]
        for number in (2, 5):
            study.complete(number, [0.5])
        assert study.is_finished

    def test_a_field_under_a_condition_varies_too(self, tmp_path: Path) -> None:
        space = {"c": Distribution(choice=("x", "y")), "a": Distribution(uniform=(0, 1), when={"c": ("x",)})}
        for seed in range(4):
            study, found = open_study(tmp_path / str(seed), None, space, sampler="qmc", trials=8, seed=seed), []
            for _ in range(8):
                number, values = ask(study)
                study.complete(number, [0.5])
                found += [values["a"]] if values["c"] == "x" else []
            assert len(set(found)) == len(found) > 1


class TestPruners:
    @pytest.mark.parametrize(
        "scheduler",
        [ASHA, {"median": {"grace": 1, "startup": 2}}, {"hyperband": {"grace": 1, "reduction": 2}}],
        ids=["asha", "median", "hyperband"],
    )
    def test_a_clearly_worse_trial_is_stopped(
        self, folder: Path, storage: str | None, scheduler: dict[str, Any]
    ) -> None:
        study = open_study(folder, storage, scheduler=scheduler, trials=20, sampler="tpe", startup=4)

        def run(quality: float) -> int:
            number, _ = ask(study)
            for step in range(1, 9):
                if study.report(number, step, quality + step / 100):
                    study.prune(number)
                    return step
            study.complete(number, [quality])
            return 8

        for quality in (0.5, 0.6, 0.7, 0.8):
            run(quality)
        assert any(run(0.1) < 8 for _ in range(10))  # Hyperband deals trials to brackets, of which one stops none
        states = [trial.state for trial in study.study.get_trials()]
        assert states[0] == TrialState.COMPLETE
        assert set(states) == {TrialState.COMPLETE, TrialState.PRUNED}

    @pytest.mark.parametrize("grace", [1, 2, 3])
    @pytest.mark.parametrize("name", ["asha", "median", "hyperband"])
    def test_a_bad_trial_gets_its_grace_and_no_epoch_more(self, tmp_path: Path, name: str, grace: int) -> None:
        options = {"startup": 1} if name == "median" else {"reduction": 2}
        study = open_study(
            tmp_path / "study", None, scheduler={name: {"grace": grace} | options}, trials=30, epochs=grace + 1
        )
        good, _ = ask(study)
        for step in range(1, 9):
            assert not study.report(good, step, 1.0)
        study.complete(good, [1.0])
        stopped = set()
        for _ in range(12):  # Hyperband deals some to a bracket whose grace is all epochs
            bad, _ = ask(study)
            stopped.add(next((step for step in range(1, grace + 1) if study.report(bad, step, 0.0)), None))
        assert grace in stopped
        assert stopped <= {grace, None}

    def test_hyperband_stops_trials_before_any_has_ended(self, tmp_path: Path) -> None:
        hyperband = {"hyperband": {"grace": 1, "reduction": 2}}
        study = open_study(tmp_path / "study", None, scheduler=hyperband, trials=30, epochs=4)
        numbers = [ask(study)[0] for _ in range(20)]
        assert any(study.report(number, 1, -float(number)) for number in numbers)

    @pytest.mark.parametrize("name", ["asha", "median", "hyperband"])
    def test_a_trial_at_its_last_epoch_is_complete_and_others_are_held_against_it(
        self, tmp_path: Path, name: str
    ) -> None:
        options = {"startup": 1} if name == "median" else {"reduction": 2}
        study = open_study(tmp_path / "study", None, scheduler={name: options}, trials=30, epochs=1)
        for value in (0.9, 0.1):
            number, _ = ask(study)
            assert not study.report(number, 1, value, is_last=True)
            study.complete(number, [value])
        longer, _ = ask(study)
        assert study.report(longer, 1, 0.0)

    def test_without_a_scheduler_nothing_is_stopped(self, folder: Path, storage: str | None) -> None:
        study = open_study(folder, storage)
        for value in (0.9, 0.8, 0.01):
            number, _ = ask(study)
            assert not any(study.report(number, step, value) for step in range(1, 6))
            study.complete(number, [value])
        assert [trial.state for trial in study.study.get_trials()] == [TrialState.COMPLETE] * 3
