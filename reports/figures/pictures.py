"""Pictures of a study's models: confusion matrices, and what a translator makes of target images."""

from __future__ import annotations

from collections.abc import Sequence

from sfcmt.errors import DataError
from sfcmt.figures.confusion import MOST_CLASSES, confusion_figure
from sfcmt.models.target_model import TargetModel
from sfcmt.reports.figures.drawing import Drawing
from sfcmt.reports.findings.classes import ClassFinding
from sfcmt.reports.sources.results import Results
from sfcmt.reports.sources.runs import Run
from sfcmt.stages.bridge import load_translator
from sfcmt.tuning.figures import translated_samples


def confusion(name: str, found: ClassFinding, classes: Sequence[str], seeds: Sequence[int]) -> Drawing:
    """Of one arm, over its seeds."""
    shown = "Confusion" if len(classes) <= MOST_CLASSES else "Commonest confusions"
    caption = f"{shown} of {found.arm} on the target images: counts over seeds {', '.join(map(str, seeds))} (oracle)."
    return Drawing(name, caption, confusion_figure(found.confusion_KK, classes))


def translations(name: str, results: Results, run: Run) -> Drawing | None:
    """Held-out pairs under a run's translator; None if it has none, or its stages or the data are not at hand."""
    artifact = results.store.open("transfer", run.transfer) if run.transfer else None
    if artifact is None or results.dataset is None:
        return None
    upstream = artifact.record.get("recipe", {}).get("upstream", {})
    bridge, source = (
        results.store.open(kind, upstream[kind]) if kind in upstream else None for kind in ("bridge", "source")
    )
    if bridge is None or source is None:
        return None
    parts = load_translator(bridge.path), TargetModel.load(source.path)
    try:
        figure = translated_samples(*parts, results.experiment, results.dataset)
    except DataError:  # the images were left behind
        return None
    caption = f"Held-out pairs under the translator of {run.arm}, seed {run.seed}: target, translated, real source."
    return Drawing(name, caption, figure)
