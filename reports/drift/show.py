"""What was found of new images, in lines; the verdict is the last but for what to do."""

from __future__ import annotations

from sfcmt.reports.drift.check import Drift
from sfcmt.reports.drift.finding import Size


def lines(found: Drift) -> list[str]:
    """For people."""
    one = found.finding
    told = [
        f"adapted to: {one.adapted_images} images of {one.adapted_frames} frames; "
        f"new: {one.images} images of {one.frames} frames",
        *(f"note: {note}" for note in found.notes),
    ]
    if one.distance:
        told.append(f"images: {_size(one.distance)} of the distances within classes lie between the two sets")
    if one.shares:
        told.append(f"predictions: {_size(one.shares)} of the images are in other classes")
    before, now = one.confidence
    told.append(f"confidence: {before:.1%} on average before, {now:.1%} now")
    width = max(map(len, found.classes))
    told += [
        f"  {name:{width}}  {share:6.1%} -> {later:6.1%}"
        for name, (share, later) in zip(found.classes, one.class_shares, strict=True)
    ]
    told.append(f"Verdict: {one.verdict}")
    return [*told, f"  {found.command}"] if found.command else told


def _size(size: Size) -> str:
    known = f"typical of parts of those adapted to: {max(size.typical, 0):.2%}"
    return f"{max(size.size, 0):.2%} (limit {size.limit:.2%}; {known}; p {size.p_value:.3f})"
