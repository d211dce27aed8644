"""An audit in words: what is planned, how far it is, and what it found."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from sfcmt.listing import listed
from sfcmt.reports.audit.audited import LEFT_OUT
from sfcmt.reports.audit.balanced import MIN_LABELS, BalancedEstimate
from sfcmt.reports.audit.estimates import Estimate
from sfcmt.reports.audit.findings import Finding
from sfcmt.reports.audit.record import AuditRecord
from sfcmt.reports.audit.session import Session
from sfcmt.reports.audit.widths import planned_widths
from sfcmt.reports.statistics.interval import Interval

OPTIMISTIC = (
    "all intervals hold at once; the estimate of whichever is preferred by these labels is optimistic, as they chose it"
)


def plan_lines(session: Session, place: str) -> Iterator[str]:
    """What is audited, how many labels it takes, what they will say, where they go, and how to go on."""
    record, drawn = session.record, session.draw
    names = [model.name for model in session.audited.models]
    yield f"Audit of {' against '.join(names)}, on the {drawn.images} target images of {record.data['name']}"
    labels = f"{len(record.ids)} images to label, drawn from the digest of what is audited"
    yield f"  {labels}{_of_what(session)}; labelled so far: {len(record.labels)}"
    if session.audited.left_out:
        yield f"  {_left_out(session.audited.left_out)}"
    yield f"  they will tell {_widths(session)}"
    yield f"  labels are kept in {record.folder}, and change nothing else"
    if not record.result:
        yield f"  sfcmt audit {place} --serve            label them here, by keys in a browser"
        yield f"  sfcmt audit {place} --export FOLDER    images and a table to fill in elsewhere, then"
        yield f"  sfcmt audit {place} --csv FOLDER/labels.csv"


def so_far(session: Session) -> str:
    """The main finding as it is now, by the interval that may be looked at any time."""
    if not (told := session.findings()):
        return ""
    found, answered = told[0], len(session.record.labels)
    one = found.estimate
    counted = f" by the first {one.n}, up to the image that is left out," if one.n < answered else ""
    return f"{_quantity(found)} so far{counted} {_value(one)}, {_range(one, one.anytime)} at any look."


def facts(record: AuditRecord, found: Sequence[Finding]) -> list[tuple[str, str]]:
    """What was found, a term and a text each."""
    return [*(row for one in found for row in _facts(one, record)), *_notes(found, record)]


def result_lines(session: Session) -> Iterator[str]:
    """The same for a terminal."""
    return (f"{term}: {text}" for term, text in facts(session.record, session.findings()))


def document(session: Session) -> dict[str, Any]:
    """The same for programs."""
    record = session.record
    told = record.result or {"findings": [finding.document for finding in session.findings()]}
    return {
        "folder": str(record.folder),
        "audited": record.identity,
        "models": record.models,
        "data": record.data,
        "question": session.draw.question,
        "labels": len(record.ids),
        "answered": len(record.labels),
        "plans": record.plans,
        "sealed": record.result is not None,
        **told,
    }


def _facts(found: Finding, record: AuditRecord) -> Iterator[tuple[str, str]]:
    one, images = found.estimate, record.data["images"]
    name = f"{_quantity(found)} of {' against '.join(found.names)}"
    if one.interval:
        yield f"{name}, on these {images} images", f"{_value(one)}, {_range(one, one.interval)}"
    else:
        yield f"{name}, on these {images} images", f"{_value(one)}, {_range(one, one.anytime)} at any look"
    if one.frames:
        yield f"{name}, on images to come", f"{_range(one, one.frames)}, by {one.frames_n:.0f} frames"
    if found.balanced:
        yield f"Class-balanced accuracy of {found.names[0]}", _balanced(found.balanced, record)


def _balanced(one: BalancedEstimate, record: AuditRecord) -> str:
    if one.value is None:
        few = (f"{record.classes[place]} {one.labels[place]}" for place in one.too_few)
        return f"missing: fewer than {MIN_LABELS} labels of {listed([*few])}"
    if one.interval is None:
        return f"{100 * one.value:.1f} %, {one.name}; no interval where nobody can tell some images' class"
    low, high = 100 * one.interval.low, 100 * one.interval.high
    return f"{100 * one.value:.1f} %, [{low:.1f}, {high:.1f}] at {one.interval.level:.0%}, {one.name}"


def _notes(found: Sequence[Finding], record: AuditRecord) -> Iterator[tuple[str, str]]:
    seal = f"sealed as {record.seal_digest}" if record.seal_digest else "not complete"
    yield "Labels", f"{len(record.labels)} of {len(record.ids)}, {seal}"
    if count := record.data.get(LEFT_OUT):
        yield "images", _left_out(count)
    if not found:
        return
    one = found[0].estimate
    if one.told < one.n and one.bounds:
        low, high = (f"{100 * bound:.1f}" for bound in one.bounds)
        yield (
            "cannot tell",
            f"{one.cannot_tell:.0%} of the images; by the worst and the best case of these: {low} to {high}",
        )
    if record.is_extended:
        yield "extended", "after labels were seen, so that only intervals that hold at any look are given"
    if len(record.models) > 1:
        yield "several models", OPTIMISTIC


def _left_out(count: int) -> str:
    return f"{count} more target images are left out, as labels of theirs have chosen among the models"


def _quantity(found: Finding) -> str:
    return "Accuracy" if found.estimate.quantity == "accuracy" else "Difference in accuracy"


def _value(one: Estimate) -> str:
    if one.value is None:
        return "missing"
    return f"{100 * one.value:.1f} %" if one.quantity == "accuracy" else f"{100 * one.value:+.1f} points"


def _range(one: Estimate, interval: Interval) -> str:
    sign = "" if one.quantity == "accuracy" else "+"
    return f"[{100 * interval.low:{sign}.1f}, {100 * interval.high:{sign}.1f}] at {interval.level:.0%}"


def _of_what(session: Session) -> str:
    if session.draw.question == "accuracy":
        return ""
    return f", of {session.draw.drawable} on which the two differ"


def _widths(session: Session) -> str:
    models = len(session.audited.models)
    told = planned_widths(session.draw, level=1 - 0.05 / models if models > 2 else 0.95)
    what = "accuracy" if session.draw.question == "accuracy" else "the difference"
    return (
        f"{what} to within {100 * told.at_plan:.0f} points at most with all {told.n}; {100 * told.anytime:.0f} for who "
        f"stops on the way by what is seen (at {100 * told.level:.3g} %)"
    )
