"""A study as a tree: the stages that its trials share, what each saved, and below them the trials."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from optuna.trial import FrozenTrial
from rich.tree import Tree

from sfcmt.recipes import TRANSFER
from sfcmt.tuning.search.show import compact, objective_text
from sfcmt.tuning.search.study import Study
from sfcmt.tuning.search.study_folder import SELECTION

Notes = Mapping[str, Mapping[str, Any]]
"""A trial's stages by identity: kind, reused, seconds."""


def study_tree(study: Study) -> Tree:
    """Trials below the stages that they stand on; those that have not come to any stand at the root."""
    trials = study.trials
    ended = sum(trial.state.is_finished() for trial in trials)
    names = ", ".join(study.spec.objective.names)
    tree = Tree(f"{study.name}: {names}, {ended} of {study.spec.search.trials} trials ended")
    nodes: dict[tuple[str, ...], Tree] = {(): tree}
    uses = _uses(trials)
    winner = study.selection()["winner"] if (study.folder / SELECTION).is_file() else None
    for trial in trials:
        path: tuple[str, ...] = ()
        for identity, stage in _shared(trial).items():
            parent, path = nodes[path], (*path, identity)
            if path not in nodes:
                nodes[path] = parent.add(_stage_text(identity, stage, uses[identity]))
        nodes[path].add(_trial_text(trial, trial.number == winner))
    return tree


def _shared(trial: FrozenTrial) -> Notes:
    """What the trial's own transfer stands on, in the order in which it was needed."""
    notes: Notes = trial.user_attrs.get("stages", {})
    return {identity: stage for identity, stage in notes.items() if stage["kind"] != TRANSFER}


def _uses(trials: Sequence[FrozenTrial]) -> Mapping[str, list[bool]]:
    """For each shared stage, whether it was reused, trial by trial."""
    found: dict[str, list[bool]] = defaultdict(list)
    for trial in trials:
        for identity, stage in _shared(trial).items():
            found[identity].append(stage["reused"])
    return found


def _stage_text(identity: str, stage: Mapping[str, Any], uses: Sequence[bool]) -> str:
    reused = f"reused by {sum(uses)} of {len(uses)} trials"
    return f"{stage['kind']} {identity[:8]}: {stage['seconds']:.1f} s, {reused}"


def _trial_text(trial: FrozenTrial, is_winner: bool) -> str:
    own = [stage for stage in trial.user_attrs.get("stages", {}).values() if stage["kind"] == TRANSFER]
    parts = [f"trial {trial.number}", trial.state.name, objective_text(trial), compact(trial.user_attrs["values"])]
    parts += ["(its model was there already)"] if any(stage["reused"] for stage in own) else []
    return "  ".join(filter(None, [*parts, "<- winner" if is_winner else ""]))
