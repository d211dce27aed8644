"""Looking up, for each target image, the TI pairs whose target side is most like it to the unadapted source model.

Likeness is the cosine of centred features of F_s on both. Few neighbours are taken, and as equals. The likelihood of
held-out frames of pairs asks for wide kernels; but these are as smooth as what methods learn from the pairs, and so
favour such methods.
"""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from sfcmt.data.batches import UnlabelledData
from sfcmt.data.schema import Split
from sfcmt.distributed import is_main
from sfcmt.grounding.evidence import Integers, PairEvidence
from sfcmt.models.classifier import frozen
from sfcmt.models.target_model import TargetModel, input_of, target_spec
from sfcmt.models.translators.copy import channel_copy
from sfcmt.stages.predict import predict_rows
from sfcmt.workspace import Workspace

NEAREST = 5
_MOST = 20_000
"""Target images, and pairs, that are looked at."""
_ROWS = 2048
"""Target images that are compared with all pairs at once."""


def collect_pair_evidence(workspace: Workspace) -> dict[str, float]:
    """Predict both sides of the pairs and the target images by the source model; nothing is trained."""
    recipe = workspace.recipe
    source = TargetModel.load(workspace.artifact("source").path).to(workspace.device)
    frozen(source)
    to_target = input_of(target_spec(recipe.dataset, source.spec, recipe.size, workspace.translator))
    data = UnlabelledData(
        recipe.dataset, recipe.data, workspace.reader(source.spec.resize), source.normalise, to_target
    )
    places_n, pairs_M = spread(len(data.target)), spread(len(data.pair_target))
    rows_n = data.target_rows[places_n]
    target_nD = predict_rows(lambda x: source.classifier(channel_copy(x)), data.target, places_n).features_BD.cpu()
    pair_MD = predict_rows(lambda x: source.classifier(channel_copy(x)), data.pair_target, pairs_M).features_BD.cpu()
    logits_MK = predict_rows(source.classifier, data.pair_source, pairs_M).logits_BK
    evidence = PairEvidence(
        rows_n.numpy(),
        nearest(target_nD, pair_MD, NEAREST).numpy(),
        logits_MK.cpu().double().softmax(dim=1).numpy(),
        _frames(workspace, Split.TARGET, rows_n),
        _frames(workspace, Split.PAIRS, pairs_M),
    )
    if is_main():
        evidence.save(workspace.folder)
    return {"effective_pairs": evidence.effective_pairs}


def spread(count: int) -> Tensor:
    """All rows, or evenly spread ones of many."""
    return torch.arange(count) if count <= _MOST else torch.linspace(0, count - 1, _MOST).long()


def nearest(query_ND: Tensor, key_MD: Tensor, count: int) -> Tensor:
    """The `count` keys (or all, of fewer) that are nearest to each query by the cosine of centred features."""
    query_ND, key_MD = (F.normalize((x - x.mean(dim=0)).double(), dim=1) for x in (query_ND, key_MD))
    parts = [(part @ key_MD.T).topk(min(count, len(key_MD)), dim=1).indices for part in torch.split(query_ND, _ROWS)]
    return torch.cat(parts)


def _frames(workspace: Workspace, split: Split, rows: Tensor) -> Integers:
    frames_N = workspace.recipe.dataset.frames(split)
    if frames_N is None:
        workspace.notes.append("the data set does not tell frames of target images: each counts as a frame")
        return np.arange(len(rows))
    chosen: Integers = frames_N[rows.numpy()]
    return chosen
