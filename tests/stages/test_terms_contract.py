"""What holds for every term, and how terms are added to a method's own."""

from __future__ import annotations

from pathlib import Path

import pytest

from sfcmt.errors import ConfigError
from sfcmt.experiment import parse_experiment
from sfcmt.stages.method import METHODS
from sfcmt.stages.terms import TERMS
from sfcmt.testing.terms import TermContract
from sfcmt.testing.tiny import recipe_of, tiny_experiment, write_tiny
from sfcmt.tuning.search.space import apply_values


class TestTerms(TermContract):
    """Each of ours, on the stages that all tests share."""

    @pytest.fixture(scope="module", params=TERMS)
    def term(self, request: pytest.FixtureRequest) -> str:
        return str(request.param)

    @pytest.fixture(scope="module")
    def data(self, tiny_data: Path) -> Path:
        return tiny_data

    @pytest.fixture(scope="module")
    def store(self, tiny_store: Path) -> Path:
        return tiny_store


@pytest.mark.parametrize("method", METHODS)
def test_only_methods_that_minimise_a_loss_take_terms(method: str) -> None:
    raw = {"method": method, "transfer": {"terms": {"source_statistics": 0.5}}}
    own = METHODS[method].weights(METHODS[method].Config())
    if METHODS[method].trains and "source_statistics" not in own:
        experiment = parse_experiment(raw)
        assert METHODS[method].all_weights(experiment.transfer) == own | {"source_statistics": 0.5}
        return
    allowed = "terms that the method has not" if own else "one of the fields epochs, batch"
    with pytest.raises(ConfigError, match=allowed):
        parse_experiment(raw)


@pytest.mark.parametrize(
    ("terms", "message"),
    [
        ({"no_such": 1}, "transfer.terms.no_such: 1.0 .* terms: infomax, neighbours"),
        ({"source_statistics": -1}, "transfer.terms.source_statistics: -1 .* greater than or equal to 0"),
        ({"infomax": 1}, "transfer.terms.infomax: 1.0 .* terms that the method has not: its own are .*infomax"),
    ],
)
def test_mistakes_are_named(terms: dict[str, float], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        parse_experiment({"method": "tgkt", "transfer": {"terms": terms}})


def test_baselines_and_what_a_method_starts_from_have_no_part_in_them(tiny_data: Path, tmp_path: Path) -> None:
    changes = {"terms": {"source_statistics": 0.5}}
    plain, added = (tiny_experiment(tiny_data, tmp_path, method="robust_tgkt", transfer=one) for one in ({}, changes))
    without, with_it = (recipe_of("transfer", one) for one in (plain, added))
    assert [one.identity for one in without.upstream] == [one.identity for one in with_it.upstream]
    assert without.identity != with_it.identity
    assert recipe_of("transfer", added.with_method("shot")).identity == (
        recipe_of("transfer", plain.with_method("shot")).identity
    )


def test_one_that_looks_at_pairs_needs_them(tmp_path: Path) -> None:
    folder = write_tiny(tmp_path / "data", pairs=False)
    experiment = tiny_experiment(folder, tmp_path, method="shot", transfer={"terms": {"pair_relations": 0.5}})
    with pytest.raises(ConfigError, match=r"transfer.terms.pair_relations: 0.5 .* a data set with TI pairs"):
        recipe_of("transfer", experiment)


def test_their_weights_can_be_searched() -> None:
    experiment = parse_experiment({"method": "shot"})
    found = apply_values(experiment, {"transfer.terms.neighbours": 0.25, "transfer.terms.source_statistics": 0.0})
    assert found.transfer.terms == {"neighbours": 0.25}
