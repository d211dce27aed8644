"""The model card: what the model is, where it comes from, how it was chosen, what is known of it, and its limits."""

from __future__ import annotations

from collections.abc import Mapping

from sfcmt.data.dataset import Dataset
from sfcmt.data.manifest import NUMBERS
from sfcmt.data.reading import PLAIN
from sfcmt.data.schema import Split
from sfcmt.listing import listed
from sfcmt.reports.registry.audits import audits_text
from sfcmt.reports.registry.candidate import Candidate
from sfcmt.tuning.search.study import Study

_LIMITS = """\
- For images like the target images that it was trained on: another sensor, scene or class is another task.
- A label-free score says how a model agrees, or how sure it is, not whether it is right.
- The probabilities have not been calibrated."""


def model_card(candidate: Candidate) -> str:
    """The card as Markdown. Oracle scores are in it only if the study has been scored."""
    spec, study = candidate.spec, candidate.study
    parts = {
        "What it is": f"""\
A classifier of {spec.modality} images into {len(spec.classes)} classes: {listed(spec.classes)}.
Backbone `{spec.backbone}`, translator `{spec.translator}`, trained by `{candidate.recipe["name"]}`.

- In: column `encoded_image`, bytes of a PNG, JPEG, TIFF or `.npy` (JSON: base64) of {spec.channels} channel(s) of
  {NUMBERS[spec.bits]}{(spec.reading or PLAIN).notes}, of any size; decoded as on import, and resized to
  {spec.size} x {spec.size}, within the model.
- Out: `label`, and `probabilities` by class.""",
        "What it was trained on": f"""\
Data set `{study.dataset.manifest.name}`, digest `{study.dataset.whole_digest}`: {_images(study.dataset)}.
{_read_labels(study)}

{_table("stage", "identity", {kind: f"`{identity}`" for kind, identity in candidate.stages.items()})}""",
        "How it was chosen": f"""\
From study `{study.folder.name}`: {candidate.origin}, {study.record.chosen}.
Values that the search has set: `{dict(candidate.values)}`.""",
        "What made it": _table("", "", candidate.made_by),
        f"Scores {study.record.chosen}": _table("validator", "value", _figures(candidate.validators)),
        "Audits": audits_text(candidate),
        "Oracle scores": _oracles(candidate),
        "Limits": _LIMITS,
    }
    text = "\n\n".join(f"## {title}\n\n{part}" for title, part in parts.items() if part)
    return f"# {study.name}, {candidate.origin}\n\n{text}\n"


def _read_labels(study: Study) -> str:
    if (few_labels := study.record.few_labels) is None:
        return "No target label was read."
    return f"No target label was trained on; models were chosen {few_labels.text}, of target images."


def _images(dataset: Dataset) -> str:
    rows = {split: dataset.manifest.entry(split).rows for split in dataset.splits}
    labelled = "no source image"
    if Split.SOURCE in rows:
        labelled = f"{rows[Split.SOURCE]} labelled source\nimages (for the source model only)"
    pairs = rows.get(Split.PAIRS, 0)
    return f"{labelled}, {pairs or 'no'} unlabelled pairs, {rows[Split.TARGET]} unlabelled target images"


def _oracles(candidate: Candidate) -> str:
    if not candidate.oracles:
        return ""
    table = _table("oracle", "value", _figures(candidate.oracles))
    return f"These have read sealed target labels, after the choice.\n\n{table}"


def _figures(values: Mapping[str, float]) -> dict[str, str]:
    return {name: f"{value:.4f}" for name, value in values.items()}


def _table(name: str, value: str, rows: Mapping[str, str]) -> str:
    return "\n".join([f"| {name} | {value} |", "|---|---|", *(f"| {key} | {text} |" for key, text in rows.items())])
