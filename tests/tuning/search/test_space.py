"""Search spaces: what is drawn, what is refused, and what fields declare for themselves."""

from __future__ import annotations

import math
from typing import Any

import optuna
import pytest
from optuna.trial import FixedTrial
from pydantic import ValidationError

from sfcmt.errors import ConfigError, Problem
from sfcmt.experiment import parse_experiment
from sfcmt.stages.method import METHODS
from sfcmt.tuning.search.space import Distribution, Space, apply_values, declared_space, space_problems, suggest_all


def space_of(**kinds: Any) -> Space:
    """Fields by name, with `__` for a dot."""
    return {name.replace("__", "."): Distribution.model_validate(kind) for name, kind in kinds.items()}


def problems(space: Space, **raw: Any) -> list[Problem]:
    return space_problems(space, parse_experiment(raw))


class TestSuggest:
    @pytest.mark.parametrize(
        ("kind", "low", "high"),
        [({"uniform": [-1, 2]}, -1, 2), ({"log": [0.01, 10]}, 0.01, 10), ({"int": [2, 4]}, 2, 4)],
    )
    def test_ranges_hold_and_are_filled(self, kind: dict[str, Any], low: float, high: float) -> None:
        study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0))
        drawn = [suggest_all(space_of(a=kind), study.ask())["a"] for _ in range(60)]
        assert all(low <= value <= high for value in drawn)
        middle = math.sqrt(low * high) if "log" in kind else (low + high) / 2
        assert 15 <= sum(value < middle for value in drawn) <= 45
        assert ("int" in kind) == (set(drawn) == {2, 3, 4})

    def test_a_choice_gives_its_values(self) -> None:
        study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0))
        drawn = {suggest_all(space_of(a={"choice": ["x", 0.5, True]}), study.ask())["a"] for _ in range(40)}
        assert drawn == {"x", 0.5, True}

    def test_a_value_is_asked_for_by_the_fields_name(self) -> None:
        assert suggest_all(space_of(transfer__beta_f={"log": [1, 9]}), FixedTrial({"transfer.beta_f": 3.0})) == {
            "transfer.beta_f": 3.0
        }

    def test_a_condition_decides_whether_a_field_is_drawn(self) -> None:
        space = space_of(a={"choice": ["x", "y"]}, b={"uniform": [0, 1], "when": {"a": ["x"]}}, c={"int": [1, 3]})
        space["d"] = Distribution(int=(1, 9), when={"b": (0.5,), "c": (2, 3)})
        assert suggest_all(space, FixedTrial({"a": "x", "b": 0.5, "c": 3, "d": 9})) == {
            "a": "x",
            "b": 0.5,
            "c": 3,
            "d": 9,
        }
        assert suggest_all(space, FixedTrial({"a": "x", "b": 0.5, "c": 1})) == {"a": "x", "b": 0.5, "c": 1}
        assert suggest_all(space, FixedTrial({"a": "y", "c": 3})) == {"a": "y", "c": 3}


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        ({}, "exactly one of uniform, log, int, choice"),
        ({"uniform": [0, 1], "choice": [1]}, "exactly one of"),
        ({"uniform": [1, 1]}, "first end is below"),
        ({"int": [3, 2]}, "first end is below"),
        ({"log": [0, 1]}, "above 0"),
        ({"choice": []}, "at least one value"),
        ({"uniform": [0, math.inf]}, "finite"),
        ({"log": [math.nan, 1]}, "finite"),
        ({"int": [1, 2.5]}, "integer"),
    ],
)
def test_what_is_no_distribution(kind: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        Distribution.model_validate(kind)


class TestProblems:
    @pytest.mark.parametrize(
        ("field", "kind", "value", "allowed"),
        [
            ("transfer.nothing", {"uniform": [0, 1]}, "nothing", "one of the fields"),
            ("transfer.beta_f", {"uniform": [-1, 1]}, -1.0, "greater than or equal to 0"),
            ("transfer.ema", {"uniform": [0, 1]}, 1.0, "less than 1"),
            ("transfer.beta_f", {"choice": [1, "much"]}, "much", "a valid number"),
            ("transfer.beta_f.deeper", {"uniform": [0, 1]}, 0.0, "beta_f is none"),
            ("transfer.pseudo.weighting", {"choice": ["threshold", "best"]}, "best", "softmatch"),
            ("runtime.threads", {"int": [1, 2]}, "runtime.threads", "source, bridge or transfer, or data.size"),
            ("data.holdout", {"uniform": [0.1, 0.2]}, "data.holdout", "source, bridge or transfer, or data.size"),
            ("seed", {"int": [0, 9]}, "seed", "source, bridge or transfer, or data.size"),
        ],
    )
    def test_one_for_a_field_that_cannot_be_searched(
        self, field: str, kind: dict[str, Any], value: object, allowed: str
    ) -> None:
        (found,) = problems({field: Distribution.model_validate(kind)})
        assert (found.path, found.value) == (f"space.{field}", value)
        assert allowed in found.allowed

    def test_a_range_with_fractions_does_not_fit_a_whole_number(self) -> None:
        (found,) = problems(space_of(transfer__epochs={"uniform": [1, 5]}))
        assert "a valid integer" in found.allowed
        assert problems(space_of(transfer__epochs={"int": [1, 5]})) == []

    def test_a_weight_that_the_method_does_not_have(self) -> None:
        space = space_of(transfer__beta_f={"log": [1, 10]})
        (found,) = problems(space, method="shot")
        assert "beta_im" in found.allowed
        assert problems(space) == []

    def test_conditions_are_on_earlier_fields_only(self) -> None:
        space = space_of(
            transfer__beta_f={"log": [1, 2], "when": {"transfer.beta_kl": [0]}}, transfer__beta_kl={"choice": [0, 1]}
        )
        (found,) = problems(space)
        assert (found.path, found.value) == ("space.transfer.beta_f.when", "transfer.beta_kl")
        assert problems(dict(reversed(space.items()))) == []


def test_values_replace_fields_and_leave_the_rest() -> None:
    before = parse_experiment({"seed": 3, "transfer": {"beta_f": 2.0, "pseudo": {"weighting": "softmatch"}}})
    after = apply_values(before, {"transfer.pseudo.threshold": 0.25, "bridge.alpha_d": 0})
    was, now = before.model_dump(), after.model_dump()
    assert (now["transfer"]["pseudo"].pop("threshold"), now["bridge"].pop("alpha_d")) == (0.25, 0)
    assert (was["transfer"]["pseudo"].pop("threshold"), was["bridge"].pop("alpha_d")) == (0.5, 0.1)
    assert now == was
    with pytest.raises(ConfigError, match=r"transfer\.beta_f: -1 is not allowed"):
        apply_values(before, {"transfer.beta_f": -1})


class TestDeclared:
    @pytest.mark.parametrize("method", list(METHODS))
    def test_ranges_fit_their_fields(self, method: str) -> None:
        experiment = parse_experiment({"method": method})
        assert space_problems(declared_space(experiment), experiment) == []

    def test_the_methods_with_ranges(self) -> None:
        declared = {method: list(declared_space(parse_experiment({"method": method}))) for method in METHODS}
        bridge = ["bridge.alpha_d", "bridge.alpha_im"]
        tgkt = [
            f"transfer.{name}"
            for name in ("beta_kl", "beta_f", "beta_self", "pseudo.weighting", "pseudo.threshold", "beta_im")
        ]
        assert {method: names for method, names in declared.items() if names} == {
            "tgkt": bridge + tgkt,
            "robust_tgkt": tgkt,
            "channel_copy": tgkt,
            "translator_only": bridge,
            "shot": ["transfer.beta_im", "transfer.beta_self"],
            "socket": [f"transfer.beta_{name}" for name in ("self", "im", "bn", "f")],
            "ti_distillation": ["transfer.beta_f"],
        }

    def test_what_another_field_makes_dead_is_not_suggested(self) -> None:
        space = declared_space(parse_experiment({"method": "tgkt"}))
        assert space["transfer.pseudo.threshold"].when == {"transfer.pseudo.weighting": ("threshold",)}
        for weighting, is_alive in (("threshold", True), ("softmatch", False)):
            fixed = FixedTrial(
                {name: one.ends[0] for name, one in space.items()} | {"transfer.pseudo.weighting": weighting}
            )
            assert ("transfer.pseudo.threshold" in suggest_all(space, fixed)) == is_alive

    def test_defaults_lie_within_or_switch_the_term_off(self) -> None:
        for method in METHODS:
            experiment = parse_experiment({"method": method})
            for name, distribution in declared_space(experiment).items():
                value: Any = experiment
                for part in name.split("."):
                    value = getattr(value, part)
                ends = distribution.ends
                assert value in ends if distribution.choice else ends[0] <= value <= ends[1], (method, name)
