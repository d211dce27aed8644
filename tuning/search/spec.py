"""The search spec: what a user writes, checked whole before anything is allocated."""

from __future__ import annotations

import math
import re
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, Tag

from sfcmt.config import Runtime, Section, Workers
from sfcmt.errors import ConfigError, Problem
from sfcmt.experiment import Experiment, load_experiment, read_section
from sfcmt.few_labels import BY_FEW_LABELS
from sfcmt.stages.method import METHODS
from sfcmt.storage import is_remote
from sfcmt.tuning.search.space import Distribution, Space, declared_space, space_problems
from sfcmt.validators import POOL_VALIDATORS, VALIDATORS
from sfcmt.yaml_files import read_yaml

ANCHOR_AGREEMENT = "anchor_agreement"
Keep = Literal["best", "finished", "all"]


class Objective(Section):
    """What the search maximises: one label-free validator, or two at a time, or the weighted ranks of several."""

    validator: str | tuple[str, str] | None = None
    """Default: anchor_agreement."""
    ranks: dict[str, Annotated[float, Field(gt=0)]] | None = None
    """Weights of validators, by each of which a trial is ranked among the anchors: scores need no common scale."""
    few_labels: str | None = None
    """A table of id and label of some target images, by which, together with the above, trials are judged and picked:
    no label-free search any more."""

    @property
    def validators(self) -> tuple[str, ...]:
        """The validators that it is made of."""
        if self.ranks:
            return tuple(self.ranks)
        given = self.validator or ANCHOR_AGREEMENT
        return (given,) if isinstance(given, str) else given

    @property
    def names(self) -> tuple[str, ...]:
        """What its values are called."""
        own = ("rank_ensemble",) if self.ranks else self.validators
        return (f"{BY_FEW_LABELS}{own[0]}",) if self.few_labels else own


class Pick(Section):
    """What chooses the winner from the pool of finished trials."""

    validator: str = "ensv_infomax"


class Search(Section):
    """How values are suggested."""

    sampler: Literal["tpe", "gp", "qmc", "random", "grid", "nsga2"] = "tpe"
    trials: int = Field(40, ge=1)
    seed: int = Field(0, ge=0)
    startup: int = Field(8, ge=1)
    """Trials before `tpe` and `gp` begin to learn; the population of `nsga2`."""


class Halving(Section):
    """What schedulers by successive halving have in common."""

    grace: int = Field(1, ge=1)
    """Epochs that every trial gets."""
    reduction: int = Field(3, ge=2)
    """One of so many goes on."""


class ASHA(Halving):
    """Successive halving, asynchronous (Li et al. 2020)."""


class Hyperband(Halving):
    """Several brackets of successive halving (Li et al. 2018)."""


class Median(Section):
    """Stops what is below the median of earlier trials at the same epoch."""

    grace: int = Field(1, ge=1)
    startup: int = Field(5, ge=1)


class Scheduler(Section):
    """Which trials are stopped early; none of the fields for none."""

    asha: ASHA | None = None
    median: Median | None = None
    hyperband: Hyperband | None = None

    @property
    def chosen(self) -> ASHA | Median | Hyperband | None:
        """The one that is set."""
        return self.asha or self.median or self.hyperband


class Resources(Section):
    """What one trial takes, and how many run at the same time."""

    workers: Workers = 1
    """Processes that train one trial together; [least, most] lets the cluster decide."""
    cpus: float = Field(1, gt=0)
    """Of each worker."""
    gpus: float = Field(0, ge=0)
    """Of each worker; several workers may share one, such as 0.25."""
    concurrent: int | None = Field(None, ge=1)
    """At most so many trials at a time; as many as fit if unset."""

    def applied_to(self, runtime: Runtime) -> Runtime:
        """A runtime with these resources."""
        taken = {"workers": self.workers, "cpus_per_worker": self.cpus, "gpus_per_worker": self.gpus}
        return runtime.model_copy(update=taken)


class SearchSpec(Section):
    """One search."""

    experiment: str
    method: str | None = None
    """The experiment's own if unset."""
    set: tuple[str, ...] = ()
    """`key=value` overrides of the experiment."""
    space: Annotated[
        Annotated[Literal["auto"], Tag("auto")] | Annotated[dict[str, Distribution], Tag("fields")],
        Discriminator(lambda given: "auto" if isinstance(given, str) else "fields"),
    ] = "auto"
    objective: Objective = Objective()
    pick: Pick = Pick()
    anchors: tuple[str, ...] = ("source_only", "bn_adapt", "shot")
    """Methods that are always in the pool, and that `anchor_agreement` and `ranks` compare with."""
    search: Search = Search()
    scheduler: Scheduler = Scheduler()
    resources: Resources = Resources()
    keep: Keep = "finished"
    """Whose weights stay: the winners', those of all trials that have finished, or all, checkpoints of trials that were
    stopped early or failed among them. The outputs of finished trials stay in any case."""
    storage: str | None = None
    """URL of a database for the Optuna study, a relative file of SQLite's being in the study's folder; a journal file
    there if unset."""

    @property
    def pick_name(self) -> str:
        """What the pick is called."""
        return f"{BY_FEW_LABELS if self.objective.few_labels else ''}{self.pick.validator}"


class CheckedSearch:
    """A spec together with its experiment and space, after all checks."""

    def __init__(self, spec: SearchSpec, experiment: Experiment[Any], space: Space) -> None:
        self.spec, self.experiment, self.space = spec, experiment, space


def load_search(path: str, overrides: tuple[str, ...] = (), trials: int | None = None) -> CheckedSearch:
    """Read and check a spec; `overrides` are of the experiment, `trials` is in place of the spec's own.

    Raises `ConfigError` with every problem at once.
    """
    raw = read_yaml(Path(path)) if Path(path).is_file() else _missing(path)
    if trials is not None and isinstance(raw.setdefault("search", {}), dict):
        raw["search"]["trials"] = trials
    spec, shape = read_section(raw, SearchSpec)
    problems = [_without_tag(problem) for problem in shape]
    if spec is None:
        raise ConfigError(problems)
    problems += _name_problems(spec)
    method = [f"method={spec.method}"] if spec.method else []
    try:
        experiment = load_experiment(spec.experiment, [*method, *spec.set, *overrides])
    except ConfigError as error:
        raise ConfigError([*error.problems, *problems]) from error
    space = declared_space(experiment) if spec.space == "auto" else spec.space
    problems += _storage_problems(spec, experiment)
    problems = space_problems(space, experiment) + problems + ([] if shape else _combination_problems(spec, space))
    if problems:
        raise ConfigError(problems)
    return CheckedSearch(spec, experiment, space)


def _storage_problems(spec: SearchSpec, experiment: Experiment[Any]) -> list[Problem]:
    if spec.storage is None:
        return []
    from sfcmt.tuning.search.study_storage import storage_problem  # takes a while

    problem = storage_problem(spec.storage, is_remote(experiment.runtime.store))
    return [problem] if problem else []


def _missing(path: str) -> dict[str, Any]:
    raise ConfigError([Problem("SPEC", path, "the path of a YAML file")])


def _without_tag(problem: Problem) -> Problem:
    """Without the name that tells the two types of `space` apart, which no user wrote."""
    path = re.sub(r"^space\.(auto|fields)", "space", problem.path)
    return replace(problem, path=path)


def _require_plugins(spec: SearchSpec) -> None:
    """Raises `PluginError` for a name whose module is not there: entry points may name any."""
    named = ((VALIDATORS, spec.objective.validators), (POOL_VALIDATORS, [spec.pick.validator]), (METHODS, spec.anchors))
    for registry, names in named:
        for name in names:
            if name in registry:
                registry.module(name)


def _name_problems(spec: SearchSpec) -> list[Problem]:
    _require_plugins(spec)
    per_trial = [ANCHOR_AGREEMENT, *VALIDATORS]
    problems = [
        Problem(
            "objective.ranks" if spec.objective.ranks else "objective.validator",
            name,
            f"a label-free validator: {', '.join(per_trial)}",
        )
        for name in spec.objective.validators
        if name not in per_trial
    ]
    if spec.objective.ranks and spec.objective.validator:
        problems.append(Problem("objective", "validator and ranks", "one of them"))
    if spec.objective.few_labels and len(spec.objective.validators) > 1 and not spec.objective.ranks:
        problems.append(
            Problem("objective.validator", list(spec.objective.validators), "one beside few_labels, or ranks")
        )
    if spec.pick.validator not in POOL_VALIDATORS:
        problems.append(Problem("pick.validator", spec.pick.validator, ", ".join(POOL_VALIDATORS)))
    return problems + [Problem("anchors", name, ", ".join(METHODS)) for name in spec.anchors if name not in METHODS]


def _combination_problems(spec: SearchSpec, space: Space) -> list[Problem]:
    problems: list[Problem] = []
    if not space:
        problems.append(Problem("space", spec.space, "at least one field"))
    schedulers = [name for name in Scheduler.model_fields if getattr(spec.scheduler, name)]
    if len(schedulers) > 1:
        problems.append(Problem("scheduler", ", ".join(schedulers), "one of them"))
    if len(spec.objective.names) > 1 and schedulers:
        problems.append(Problem("scheduler", schedulers[0], "none with two objectives"))
    if len(spec.objective.names) > 1 and spec.search.sampler == "gp":
        problems.append(Problem("search.sampler", "gp", "tpe, nsga2, qmc or random with two objectives"))
    ranks_trials = spec.objective.ranks is not None or spec.objective.few_labels is not None
    against_anchors = ANCHOR_AGREEMENT in spec.objective.validators or ranks_trials
    if against_anchors and not spec.anchors:
        problems.append(Problem("anchors", spec.anchors, "at least one method, for the objective compares with them"))
    continuous = [name for name, distribution in space.items() if distribution.choice is None]
    if spec.search.sampler == "grid" and continuous:
        problems.append(Problem("search.sampler", "grid", f"a choice for each field, unlike {', '.join(continuous)}"))
    elif spec.search.sampler == "grid" and spec.search.trials > (points := _grid_points(space)):
        problems.append(Problem("search.trials", spec.search.trials, f"at most {points}, the points of the grid"))
    return problems


def _grid_points(space: Space) -> int:
    return math.prod(len(distribution.choice or ()) for distribution in space.values())
