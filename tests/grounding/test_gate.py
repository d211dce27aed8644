"""Pools that are made to deceive, and what the gate lets through."""

from __future__ import annotations

from dataclasses import fields, replace

import numpy as np
import pytest

from sfcmt.errors import StoreError
from sfcmt.grounding.association import association
from sfcmt.grounding.choice import choose
from sfcmt.grounding.evidence import FILE, PairEvidence
from sfcmt.grounding.gate import Gate, gate
from sfcmt.grounding.shuffles import _shuffled, best_by_chance
from sfcmt.grounding.wording import gate_text
from sfcmt.outputs import Outputs
from sfcmt.validators.pool.ensv import ensv
from tests.grounding.worlds import CLASSES, World, outputs, world


def scaled(model: Outputs, factor: float) -> Outputs:
    return Outputs(
        model.target_logits * factor,
        model.target_features,
        model.pair_logits,
        model.pair_features,
        model.pair_source_logits,
        model.pair_source_features,
    )


def deceiving(known: World) -> dict[str, Outputs]:
    """One that is right and unsure; several that are sure, alike and wrong; one that says one class of everything."""
    wrong_N = known.generator.integers(0, CLASSES, len(known.labels_N))
    company = {f"wrong {place}": outputs(wrong_N, 20.0) for place in range(3)}
    return {
        "right": known.model(0.7, 0.5),
        **company,
        "half": known.model(0.45),
        "one class": outputs(np.full_like(wrong_N, 1), 30.0),
    }


@pytest.mark.parametrize("skew", [1.0, 0.5])
@pytest.mark.parametrize("seed", range(3))
def test_certainty_and_company_do_not_pass(seed: int, skew: float) -> None:
    known = world(seed, skew=skew)
    pool = deceiving(known)
    agreed = dict(zip(pool, ensv(list(pool.values())), strict=True))
    assert max(agreed, key=lambda name: agreed[name]).startswith("wrong")  # without the gate
    found = gate(pool, known.evidence)
    assert found.passed == ("right",)
    assert found.is_grounded
    assert choose(pool, list(pool), found, ensv).winner == "right"


@pytest.mark.parametrize("factor", [0.25, 4.0])
def test_how_sure_a_model_is_changes_nothing(factor: float) -> None:
    known = world()
    pool = deceiving(known)
    before = gate(pool, known.evidence)
    for name in pool:
        assert gate(pool | {name: scaled(pool[name], factor)}, known.evidence) == before


def test_chance_is_the_best_association_with_pairs_that_were_dealt_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sfcmt.grounding.shuffles.SHUFFLES", 9)
    known = world(images=90, frames=12)
    predicted = [known.model(recall).target_logits.argmax(dim=1).numpy() for recall in (0.3, 0.5)]
    best = []
    for dealt_M in _shuffled(known.evidence.pair_frames_M):
        assert sorted(dealt_M) == [*range(48)]
        shuffled = replace(known.evidence, probabilities_MK=known.evidence.probabilities_MK[dealt_M])
        best.append(max(association(shuffled, one).value for one in predicted))
    assert best_by_chance(known.evidence, predicted, 0.5) == pytest.approx(np.median(best))


def test_who_is_near_the_best_passes_and_the_validator_decides() -> None:
    known = world(images=3000)
    pool = {"a": known.model(0.70), "b": known.model(0.68), "c": known.model(0.69), "far": known.model(0.4)}
    found = gate(pool, known.evidence)
    assert sorted(found.passed) == ["a", "b", "c"]
    assert set(found.passed) <= set(found.tied)
    choice = choose(pool, list(pool), found, ensv)
    near = [pool[name] for name in ("a", "b", "c")]
    assert choice.scores == dict(zip("abc", ensv(near), strict=True))
    assert choice.winner == max("abc", key=lambda name: choice.scores[name])


def test_shuffled_pairs_ground_nobody() -> None:
    grounded = 0
    for seed in range(60):
        known = world(seed, images=200, frames=40, knows=0.0)
        grounded += gate({str(r): known.model(r) for r in (0.3, 0.5, 0.7, 0.9)}, known.evidence).is_grounded
    assert grounded <= 8  # 3 expected of 60 at 95 %; more than 8 in 1 of 100


@pytest.mark.parametrize("blind", ["one frame of pairs", "a source model of one class"])
def test_evidence_that_cannot_tell_grounds_nobody(blind: str) -> None:
    known = world()
    if blind == "one frame of pairs":
        evidence = replace(known.evidence, pair_frames_M=np.zeros(240, dtype=np.int64))
    else:
        evidence = replace(known.evidence, probabilities_MK=np.eye(CLASSES)[np.full(240, 1)])
    pool = deceiving(known)
    found = gate(pool, evidence)
    assert not found.is_grounded
    assert gate_text(found).startswith("Not grounded: the best association with the pairs is ")
    everybody = choose(pool, list(pool), found, ensv)
    assert everybody.scores == dict(zip(pool, ensv(list(pool.values())), strict=True))


def test_candidates_are_chosen_even_where_only_others_pass() -> None:
    known = world()
    pool = {"anchor": known.model(0.9), "0": known.model(0.3), "1": known.model(0.3)}
    found = gate(pool, known.evidence)
    assert found.passed == ("anchor",)
    assert gate_text(found, "1").endswith(
        " trial 1 does not pass, and no other that could be picked does: audit it before you trust it."
    )
    trials = replace(found, passed=("0",))
    assert gate_text(trials, "1").endswith(" trial 1 does not pass: the few labels speak for it, against the pairs.")
    assert "does not pass" not in gate_text(found, "anchor")
    choice = choose(pool, ["0", "1"], found, lambda members: [float(place) for place in range(len(members))])
    assert (choice.winner, choice.scores) == ("1", {"anchor": 0.0, "0": 1.0, "1": 2.0})
    assert choose(pool, ["0", "1"], None, lambda members: [0.0, 5.0, 5.0]).winner == "0"  # the first of equal ones
    assert choose(pool, ["0", "1"], None, lambda members: [0.0, float("nan"), -5.0]).winner == "1"


def test_a_gate_comes_back_from_json() -> None:
    known = world()
    found = gate(deceiving(known), known.evidence)
    assert Gate.from_json(found.as_json()) == found


def test_evidence_comes_back_and_other_files_are_refused(tmp_path_factory: pytest.TempPathFactory) -> None:
    folder, known = tmp_path_factory.mktemp("evidence"), world()
    known.evidence.save(folder)
    again = PairEvidence.load(folder)
    for field in fields(PairEvidence):
        np.testing.assert_array_equal(getattr(again, field.name), getattr(known.evidence, field.name))
    assert gate(deceiving(known), again).is_grounded
    (folder / FILE).write_bytes(b"none")
    with pytest.raises(StoreError, match="not the evidence of pairs"):
        PairEvidence.load(folder)


def test_hubs_make_few_witnesses() -> None:
    known = world()
    assert 200 < known.evidence.effective_pairs <= 240
    hub = replace(known.evidence, nearest_nk=np.zeros((600, 1), dtype=np.int64))
    assert hub.effective_pairs == pytest.approx(1)
