"""Promoting by an audit: labels of target images that were drawn once the models were chosen, and are sealed."""

from __future__ import annotations

from collections.abc import Iterator

from mlflow.entities.model_registry import ModelVersion

from sfcmt.recipes import TRANSFER
from sfcmt.reports.audit.findings import Finding
from sfcmt.reports.audit.record import AuditRecord
from sfcmt.reports.audit.show import facts
from sfcmt.reports.registry.candidate import Candidate
from sfcmt.reports.registry.errors import RegistryError
from sfcmt.reports.registry.evidence import AUDITED, Evidence
from sfcmt.reports.statistics.interval import Interval
from sfcmt.reports.tables.markdown import escaped
from sfcmt.tuning.search.audits import audits_of

"""In accuracy, from the champion, whose own is 0."""


def audit_evidence(candidate: Candidate, champion: ModelVersion) -> tuple[Evidence, ...]:
    """By how much a complete audit of both finds the challenger better. Of several audits, that of most labels counts.

    Raises `RegistryError` if there is none.
    """
    ours, theirs = candidate.transfer, champion.tags[f"sfcmt.stage.{TRANSFER}"]
    found = [
        (record, finding)
        for record in complete_audits(candidate)
        for finding in findings_of(record)
        if set(finding.transfers) == {ours, theirs}
    ]
    if not found:
        place = f"models:/{champion.name}/{champion.version}"
        begin = f"sfcmt audit {candidate.study.folder} --against {place} --serve"
        raise RegistryError(f"{champion.name}: no complete audit of both models; begin one with: {begin}")
    record, finding = max(found, key=lambda one: len(one[0].ids))
    one = finding.estimate
    value, interval = one.value or 0.0, one.interval or one.anytime
    if finding.transfers[0] == theirs:
        value, interval = -value, Interval(-interval.high, -interval.low, interval.level, interval.method)
    return (Evidence(f"{AUDITED}.{record.seal_digest}", value, 0.0, one.n, interval),)


def audit_reason(candidate: Candidate) -> str:
    """What a first champion rests on: the complete audit of most labels. Raises `RegistryError` if there is none."""
    if not (found := list(complete_audits(candidate))):
        begin = f"sfcmt audit {candidate.study.folder} --serve"
        raise RegistryError(f"study {candidate.study.name}: no complete audit of its model; begin one with: {begin}")
    record = max(found, key=lambda one: len(one.ids))
    (term, text), *_ = facts(record, findings_of(record))
    return f"audit {record.seal_digest}: {term}: {text}"


def complete_audits(candidate: Candidate) -> Iterator[AuditRecord]:
    """Audits of a model that are sealed. Raises `StoreError` for what was edited since."""
    store = candidate.study.store
    for folder in audits_of(store, [candidate.transfer]):
        record = AuditRecord(folder, store)
        if record.result is not None and record.answers:
            yield record


def findings_of(record: AuditRecord) -> list[Finding]:
    """What a sealed audit has found."""
    return [Finding.of(one) for one in (record.result or {})["findings"]]


def audits_text(candidate: Candidate) -> str:
    """All complete audits of a model as a table of the card; empty if there are none."""
    rows = [row for record in complete_audits(candidate) for row in facts(record, findings_of(record))]
    if not rows:
        return ""
    lead = "Labels were given after the choice, to images that were drawn from the digest of what was chosen."
    table = "\n".join(
        ["| audit | value |", "|---|---|", *(f"| {escaped(term)} | {escaped(text)} |" for term, text in rows)]
    )
    return f"{lead}\n\n{table}"
