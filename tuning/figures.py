"""The figures that are logged with a trained model."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from matplotlib.figure import Figure

from sfcmt.data.batches import UnlabelledData
from sfcmt.data.dataset import Dataset
from sfcmt.data.loading import ImageReader
from sfcmt.evaluation.labels import has_labels, open_labels
from sfcmt.evaluation.scores import score
from sfcmt.experiment import Experiment
from sfcmt.figures.confusion import confusion_figure
from sfcmt.figures.embedding import embed, embedding_figure
from sfcmt.figures.translations import translations_figure
from sfcmt.machine_cache import machine_cache
from sfcmt.models.target_model import TargetModel
from sfcmt.stages.bridge import load_translator
from sfcmt.tuning.comparison import Cell, Comparison

_SAMPLES = 8


def figures_of(cell: Cell, comparison: Comparison) -> Iterator[tuple[str, Figure]]:
    """Translated samples if there is a translator; confusion matrix and t-SNE, by true classes where they are known."""
    found = {recipe.kind: comparison.store.find(recipe) for recipe in cell.recipe.upstream}
    if (bridge := found.get("bridge")) and (source := found.get("source")):
        parts = load_translator(bridge.path), TargetModel.load(source.path)
        yield (
            "translations",
            translated_samples(*parts, comparison.experiment, comparison.dataset),
        )
    classes, outputs = comparison.dataset.classes, cell.outputs
    points_n2 = embed(outputs.target_features)
    if has_labels(comparison.dataset):
        labels_N = open_labels(comparison.dataset).labels_N
        judged = score(outputs.target_logits, labels_N, outputs.held_out)
        yield "oracle_confusion", confusion_figure(judged.confusion_KK, classes)
        yield "oracle_tsne", embedding_figure(points_n2, labels_N, classes, "true classes")
    predicted_N = outputs.target_logits.argmax(dim=1)
    yield "tsne", embedding_figure(points_n2, predicted_N, classes, "predicted classes")


@torch.no_grad()
def translated_samples(
    translator: torch.nn.Module, source: TargetModel, experiment: Experiment[Any], dataset: Dataset
) -> Figure:
    """Some held-out pairs and what the translator makes of them."""
    spec, memory_gb = source.spec, experiment.runtime.memory_gb
    reader = ImageReader(dataset, spec.size, memory_gb, machine_cache(), torch.device("cpu"), spec.resize)
    data = UnlabelledData(dataset, experiment.data, reader, source.normalise)
    rows = data.held_pair_rows[:_SAMPLES]
    target, real = data.pair_target.clean(rows), data.pair_source.clean(rows)
    names = (dataset.manifest.source.name, dataset.manifest.target.name)
    return translations_figure(target, translator(target), real, spec.normalisation, names)
