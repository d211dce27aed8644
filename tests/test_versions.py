"""A part that gives another result has another version."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from sfcmt.config import GivenSourceConfig
from sfcmt.data.dataset import Dataset
from sfcmt.evaluation.oracles import real_source_recipe, supervised_recipe
from sfcmt.identity import version_of
from sfcmt.models.sources import SOURCES
from sfcmt.models.translators import TRANSLATORS
from sfcmt.models.translators.fixed import FIXED
from sfcmt.pseudo_labels.weightings import WEIGHTINGS
from sfcmt.recipes import pair_evidence_recipe, source_recipe, transfer_recipe
from sfcmt.stages.method import METHODS
from sfcmt.testing.tiny import CLASSES, tiny_experiment
from tests.golden import FILE, Place, probes
from tests.test_identity import all_on

GOLDEN = json.loads(FILE.read_text())


@pytest.fixture(scope="module")
def place(tiny_data: Path, tiny_store: Path, tmp_path_factory: pytest.TempPathFactory) -> Place:
    """Where parts are tried."""
    return Place(tiny_data, tiny_store, tmp_path_factory.mktemp("step"))


@pytest.mark.parametrize("part", probes())
def test_the_result_of_a_part_is_that_of_its_version(place: Place, part: str) -> None:
    assert part in GOLDEN, f"new, so run: python -m tests.golden {part}"
    found, golden = probes()[part](place), GOLDEN[part]
    again = f"raise VERSION in the file, if this is meant, and run: python -m tests.golden {part}"
    assert golden["version"] == version_of(part), f"{part} has another version; run: python -m tests.golden {part}"
    assert found == pytest.approx(golden["numbers"], rel=1e-3, abs=1e-4), f"{part} gives another result; {again}"


def test_every_part_of_every_recipe_is_tried(tiny_data: Path) -> None:
    dataset = Dataset(tiny_data)
    experiments = [
        all_on(tiny_experiment(tiny_data, "store", bridge={"translator": translator}).with_method(method))
        for method in METHODS
        for translator in [*TRANSLATORS, *FIXED, "auto"]
        if translator != "copy"
    ]
    recipes = [transfer_recipe(experiment, dataset, 0) for experiment in experiments]
    given = GivenSourceConfig(model="python:tests.models.sources.networks:plain", classes=CLASSES)
    recipes.append(source_recipe(experiments[0].model_copy(update={"source": given}), dataset, 0))
    recipes += [make(experiments[0], dataset, 0) for make in (supervised_recipe, real_source_recipe)]
    recipes += [recipe for recipe in [pair_evidence_recipe(experiments[0], dataset, 0)] if recipe]
    weightings = {WEIGHTINGS.module(name) for name in WEIGHTINGS}
    brought = {SOURCES.module(name) for name in SOURCES if name not in ("models", "runs")}  # folders, once downloaded
    needed = (weightings | brought).union(*(recipe.all_parts for recipe in recipes))
    assert needed <= probes().keys(), f"add a probe to tests/golden.py for: {sorted(needed - probes().keys())}"
    assert GOLDEN.keys() <= probes().keys(), (
        f"gone, so remove from golden.json: {sorted(GOLDEN.keys() - probes().keys())}"
    )
