"""A challenger comes in, a champion has to be beaten, and the one before it can come back."""

from __future__ import annotations

from mlflow.entities.model_registry import ModelVersion

from sfcmt.reports.registry.alias import Alias
from sfcmt.reports.registry.audits import audit_evidence, audit_reason
from sfcmt.reports.registry.candidate import Candidate
from sfcmt.reports.registry.comparison import gather, obstacles, unjudged
from sfcmt.reports.registry.errors import RegistryError, registry_calls
from sfcmt.reports.registry.events import Action, Move
from sfcmt.reports.registry.history import champions
from sfcmt.reports.registry.registered_model import RegisteredModel
from sfcmt.reports.registry.versions import find_or_register

_FIRST = "the first champion: nothing to compare with"

NO_EVIDENCE = "its certainty alone speaks for it: there are no TI pairs to hold it against, and no labels (--force)"


def promote(
    candidate: Candidate, name: str, alias: Alias, reason: str = "", force: bool = False, audited: bool = False
) -> list[Move]:
    """Register a model as challenger and, if asked to, make it champion; the moves that this took.

    With `audited` a complete audit decides, and nothing else. Raises `RegistryError` if the champion is not beaten.
    """
    moves: list[Move] = []
    with registry_calls():
        version, model = find_or_register(candidate, name), RegisteredModel(name)
        number = str(version.version)
        if number not in model.aliases.values():
            before = model.aliases.get(Alias.CHALLENGER)
            moves.append(model.make(Move(Action.PROMOTED, Alias.CHALLENGER, before, number, reason)))
        if alias is Alias.CHAMPION and model.aliases.get(alias) != number:
            move = _verdict(model, candidate, version, reason, force, audited)
            moves.append(model.make(move))
            if move.action is Action.REFUSED:
                found = "; ".join(map(str, move.evidence)) or NO_EVIDENCE
                raise RegistryError(f"{name}: version {number} does not beat champion {move.before}: {found}")
    return moves


def rollback(name: str, reason: str = "") -> Move:
    """Give the alias `champion` back to the champion before this one. Raises `RegistryError` if there was none."""
    with registry_calls():
        model = RegisteredModel(name)
        current = model.aliases.get(Alias.CHAMPION)
        before = [version for version in champions(model.log.read()) if version != current]
        if current is None or not before:
            raise RegistryError(f"{name}: has had no champion before this one; see: sfcmt history {name}")
        model.client.get_model_version(name, before[-1])  # it may have been deleted
        return model.make(Move(Action.ROLLED_BACK, Alias.CHAMPION, current, before[-1], reason))


def _verdict(
    model: RegisteredModel, candidate: Candidate, version: ModelVersion, reason: str, force: bool, audited: bool = False
) -> Move:
    """Whether a version becomes champion, and by what evidence. Raises `RegistryError` if there can be none."""
    number, reigning = str(version.version), model.aliases.get(Alias.CHAMPION)
    few_labels = candidate.study.record.few_labels
    reason = "; ".join(filter(None, [reason, f"chosen {few_labels.text}" if few_labels else ""]))
    if reigning is None:
        reason = "; ".join(filter(None, [reason, audit_reason(candidate) if audited else ""]))
        return Move(Action.PROMOTED, Alias.CHAMPION, None, number, reason or _FIRST)
    champion = model.client.get_model_version(model.name, reigning)
    between = obstacles(version, champion)
    if between and not force:
        why = "; ".join(between)
        raise RegistryError(f"{model.name}: version {number} cannot be compared with champion {reigning}: {why}")
    evidence = () if between else (audit_evidence if audited else gather)(candidate, champion)
    reason = "; ".join(filter(None, [reason, "" if between else unjudged(candidate.study)]))
    beaten = Action.PROMOTED if evidence and evidence[-1].convinces else Action.REFUSED
    return Move(Action.FORCED if force else beaten, Alias.CHAMPION, reigning, number, reason, evidence)
