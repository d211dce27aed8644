"""The ablation spec: what a user writes, checked whole before anything is allocated.

Hyperparameters are of three sorts: scientific ones are the factors; nuisance ones are searched again in each arm, with
the same budget; all others are fixed at the experiment's values and `set`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, Tag

from sfcmt.config import Section
from sfcmt.errors import ConfigError, Problem
from sfcmt.experiment import Experiment, load_experiment, read_section
from sfcmt.stages.method import METHODS
from sfcmt.tuning.ablation.changes import arm_problems, read_factors
from sfcmt.tuning.ablation.designs import Arm, Design, Kind, design_of, methods_design
from sfcmt.tuning.ablation.factors import Factor
from sfcmt.tuning.ablation.fractions import Fraction, Resolution
from sfcmt.tuning.ablation.min_p_value import TestKind, min_p_value
from sfcmt.tuning.ablation.stopping import StoppingRule, planned_looks
from sfcmt.tuning.search.space import Distribution, apply_values, space_problems
from sfcmt.tuning.search.spec import ANCHOR_AGREEMENT, Resources
from sfcmt.validators import POOL_VALIDATORS, VALIDATORS
from sfcmt.yaml_files import read_yaml

ORACLES = ("oracle_balanced_accuracy", "oracle_accuracy")
"""What needs labels."""


class AdaptiveSeeds(Section):
    """Seeds are added to an arm until its difference from the baseline is known, or the budget ends."""

    min: int = Field(5, ge=2)
    max: int = Field(20, ge=3)
    margin: float = Field(0.0, ge=0)
    """Differences smaller than this are called equivalent; 0 for never."""
    looks: int = Field(3, ge=2)
    """How often the rule looks, from `min` to `max` seeds: each look costs a share of alpha."""


class Nuisance(Section):
    """Fields that are searched again in each arm, so that no arm suffers from values that suit another."""

    space: dict[str, Distribution] = Field(min_length=1)
    trials: int = Field(8, ge=1)
    """Budget of each arm."""
    validator: str = ANCHOR_AGREEMENT
    """Drives each search, without labels."""
    pick: str = "ensv_infomax"
    """Chooses each arm's winner from its trials."""


class Test(Section):
    """How the arms are compared with the baseline."""

    __test__ = False  # nothing for pytest to collect

    kind: TestKind = "paired_t"
    correction: Literal["holm", "benjamini_hochberg", "none"] = "holm"
    alpha: float = Field(0.05, gt=0, lt=1)
    """Intervals have the level 1 - alpha."""
    metric: str = ORACLES[0]
    """What is compared: an oracle's judgement, after all arms' values are written, or a validator's score."""

    @property
    def needs_labels(self) -> bool:
        """Whether the metric is an oracle's."""
        return self.metric in ORACLES

    @property
    def column(self) -> str:
        """The metric's column in a study's results."""
        return self.metric.replace("oracle_", "oracle/") if self.needs_labels else f"validator/{self.metric}"


class AblationSpec(Section):
    """One ablation."""

    experiment: str
    method: str | None = None
    """The experiment's own if unset."""
    set: tuple[str, ...] = ()
    """`key=value` overrides of the experiment, for all arms."""
    design: Kind
    resolution: Resolution | None = None
    """The least that a `fractional` design may have."""
    factors: dict[Annotated[str, Field(pattern=r"^\w[\w-]*$")], dict[str, Any]] = Field(default_factory=dict)
    """Named changes; for their forms see `sfcmt.tuning.ablation.factors`."""
    methods: tuple[str, ...] = ()
    """What the experiment's own method is compared with, in a design `methods`; their own fields are in `baselines`."""
    oracles: bool = False
    """Whether the oracles are trained as well, under the same seeds, to tell how much of the gap to them is closed."""
    seeds: Annotated[
        Annotated[int, Field(ge=2), Tag("number")] | Annotated[AdaptiveSeeds, Tag("adaptive")],
        Discriminator(lambda given: "adaptive" if isinstance(given, dict | AdaptiveSeeds) else "number"),
    ] = 5
    """How many, counted from the experiment's seed; the same in every arm."""
    nuisance: Nuisance | None = None
    test: Test = Test()
    keep: Literal["finished", "all"] = "finished"
    """Whether the checkpoints of trainings that diverged stay, too; of a nuisance search, as there."""
    resources: Resources = Resources()


@dataclass(frozen=True)
class CheckedAblation:
    """A spec together with its experiment and its arms, after all checks."""

    spec: AblationSpec
    experiment: Experiment[Any]
    design: Design

    def experiment_of(self, arm: Arm) -> Experiment[Any]:
        """The experiment in an arm's setting."""
        return apply_values(self.experiment, arm.changes)

    def seeds(self, count: int) -> range:
        """The first seeds of every arm."""
        return range(self.experiment.seed, self.experiment.seed + count)

    def stopping_rule(self) -> StoppingRule | None:
        """When an arm has enough seeds; None for a fixed number. Under `holm` the arms share alpha equally."""
        seeds, test = self.spec.seeds, self.spec.test
        if isinstance(seeds, int):
            return None
        family = len(self.design.arms) - 1 if test.correction == "holm" else 1
        return StoppingRule(planned_looks(seeds.min, seeds.max, seeds.looks), test.alpha / family, seeds.margin)


def load_ablation(path: str, overrides: tuple[str, ...] = ()) -> CheckedAblation:
    """Read and check a spec; `overrides` are of the experiment. Raises `ConfigError` with every problem at once.

    Whether its parts go together is checked once each is right.
    """
    if not Path(path).is_file():
        raise ConfigError([Problem("SPEC", path, "the path of a YAML file")])
    spec, shape = read_section(read_yaml(Path(path)), AblationSpec)
    problems = [_without_tag(problem) for problem in shape]
    if spec is None:
        raise ConfigError(problems)
    method = [f"method={spec.method}"] if spec.method else []
    try:
        experiment = load_experiment(spec.experiment, [*method, *spec.set, *overrides])
    except ConfigError as error:
        raise ConfigError([*error.problems, *problems, *_own_problems(spec)]) from error
    if problems:
        factors, found = read_factors(spec.factors, experiment)
        raise ConfigError([*problems, *found, *_nuisance_problems(spec, factors, experiment), *_own_problems(spec)])
    checked = check_ablation(spec, experiment)
    if powerless := [*_power_problems(spec, checked.design)]:
        raise ConfigError(powerless)
    return checked


def check_ablation(spec: AblationSpec, experiment: Experiment[Any]) -> CheckedAblation:
    """Hold a spec against its experiment. Raises `ConfigError` with every problem at once.

    What its test could reach is asked of new specs only: a finished study is shown whatever it was able to find.
    """
    factors, found = read_factors(spec.factors, experiment)
    problems = [*found, *_nuisance_problems(spec, factors, experiment), *_own_problems(spec)]
    problems += _method_problems(spec, experiment)
    if not found:
        problems += _design_problems(spec, factors)
    if problems:
        raise ConfigError(problems)
    if spec.design == "methods":
        design = methods_design(experiment.method, spec.methods)
    else:
        design = design_of(spec.design, factors, spec.resolution)
    if problems := [*arm_problems(design, experiment)]:
        raise ConfigError(problems)
    return CheckedAblation(spec, experiment, design)


def _without_tag(problem: Problem) -> Problem:
    """Without the name that tells the two types of `seeds` apart, which no user wrote."""
    return replace(problem, path=re.sub(r"^seeds\.(number|adaptive)", "seeds", problem.path))


def _own_problems(spec: AblationSpec) -> list[Problem]:
    return [*_name_problems(spec), *_seed_problems(spec)]


def _name_problems(spec: AblationSpec) -> Iterator[Problem]:
    if spec.test.metric not in (*ORACLES, *VALIDATORS):
        yield Problem("test.metric", spec.test.metric, ", ".join((*ORACLES, *VALIDATORS)))
    if spec.nuisance is None:
        return
    per_trial = [ANCHOR_AGREEMENT, *VALIDATORS]
    if spec.nuisance.validator not in per_trial:
        allowed = f"a label-free validator: {', '.join(per_trial)}"
        yield Problem("nuisance.validator", spec.nuisance.validator, allowed)
    if spec.nuisance.pick not in POOL_VALIDATORS:
        yield Problem("nuisance.pick", spec.nuisance.pick, f"a label-free validator: {', '.join(POOL_VALIDATORS)}")


def _seed_problems(spec: AblationSpec) -> Iterator[Problem]:
    if isinstance(spec.seeds, int):
        return
    if spec.seeds.min >= spec.seeds.max:
        yield Problem("seeds.min", spec.seeds.min, f"less than max, {spec.seeds.max}")
    if spec.test.kind != "paired_t":
        yield Problem("test.kind", spec.test.kind, "paired_t, whose intervals the rule for adding seeds uses")
    if spec.test.correction == "benjamini_hochberg":
        yield Problem("test.correction", spec.test.correction, "holm or none while seeds are being added")


def _method_problems(spec: AblationSpec, experiment: Experiment[Any]) -> Iterator[Problem]:
    if spec.design == "methods":
        others = [name for name in METHODS if name != experiment.method]
        if spec.factors:
            yield Problem("factors", ", ".join(spec.factors), "nothing in a methods design")
        if not spec.methods or len(set(spec.methods)) < len(spec.methods):
            yield Problem("methods", ", ".join(spec.methods), "at least one method, each once")
        for name in spec.methods:
            if name not in others:
                yield Problem("methods", name, f"what {experiment.method} is compared with: {', '.join(others)}")
    else:
        if not spec.factors:
            yield Problem("factors", {}, "at least one named change")
        if spec.methods:
            yield Problem("methods", ", ".join(spec.methods), f"nothing in a {spec.design} design")


def _design_problems(spec: AblationSpec, factors: Sequence[Factor]) -> Iterator[Problem]:
    if spec.design != "fractional" and spec.resolution:
        yield Problem("resolution", spec.resolution, "nothing, unless the design is fractional")
    if spec.design in ("factorial", "fractional"):  # judged by their effects, after least squares over all arms
        if spec.test.kind != "paired_t":
            yield Problem("test.kind", spec.test.kind, f"paired_t for the effects of a {spec.design} design")
        if not isinstance(spec.seeds, int):
            yield Problem("seeds", spec.seeds.model_dump(), f"a number in a {spec.design} design")
    if spec.design == "fractional" and (spec.resolution is None or not Fraction.find(len(factors), spec.resolution)):
        yield Problem("resolution", spec.resolution, _resolutions(len(factors)))
    for factor in factors:
        count = len(factor.levels)
        if spec.design == "grid" and count < 2:
            yield Problem(f"factors.{factor.name}", factor.levels[0].changes, "at least two levels in a grid")
        if spec.design not in ("grid", "one_at_a_time") and count > 1:
            yield Problem(f"factors.{factor.name}", f"{count} levels", f"a single change in a {spec.design} design")
    if spec.design not in ("leave_one_out", "one_at_a_time"):
        for one, other in combinations(factors, 2):
            for field in sorted(one.fields & other.fields):
                yield Problem(f"factors.{other.name}.{field}", field, f"a field that {one.name} does not change")


def _resolutions(factors: int) -> str:
    known = [name for name in ("III", "IV", "V") if Fraction.find(factors, name)]
    return f"{', '.join(known) or 'none'} with {factors} factors; a fractional design has 3 to 9"


def _nuisance_problems(spec: AblationSpec, factors: Sequence[Factor], experiment: Experiment[Any]) -> Iterator[Problem]:
    if spec.nuisance is None:
        return
    for found in space_problems(spec.nuisance.space, experiment):
        yield replace(found, path=f"nuisance.{found.path}")
    for factor in factors:
        for field in sorted(factor.fields & set(spec.nuisance.space)):
            yield Problem(f"nuisance.space.{field}", field, f"a field that is not scientific: {factor.name} changes it")


def _power_problems(spec: AblationSpec, design: Design) -> Iterator[Problem]:
    """A test that cannot reject anything, whatever comes out."""
    if not isinstance(spec.seeds, int):
        return
    family = len(design.arms) - 1 if spec.test.correction == "holm" else 1
    if (reach := min_p_value(spec.test.kind, spec.seeds) * family) > spec.test.alpha:
        tests = "1 test" if family == 1 else f"{family} tests after holm"
        allowed = f"paired_t, or more seeds: with {spec.seeds} it never gets below {reach:.3g} in {tests}"
        yield Problem("test.kind", spec.test.kind, allowed)
