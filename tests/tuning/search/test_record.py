"""A study is opened by what was written down, extended under its identity, and told apart from others of its name."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from pydantic import create_model

from sfcmt import identity
from sfcmt.config import SourceConfig
from sfcmt.errors import StoreError
from sfcmt.identity import frozen_defaults
from sfcmt.reports.report import report
from sfcmt.reports.sources.opening import open_studies
from sfcmt.stages.method import METHODS
from sfcmt.tuning.search.scoring import score_study
from sfcmt.tuning.search.study import Study, extension_text
from tests.reports.pages import Page
from tests.tuning.search.test_study import SPACE, TRIALS, fill, study_of


@pytest.fixture
def data(tiny_data: Path, tmp_path: Path) -> Path:
    """A copy of the tiny data set, to be lost."""
    return Path(shutil.copytree(tiny_data, tmp_path / "data"))


@pytest.fixture
def study(data: Path, tmp_path: Path) -> Study:
    """A study with a winner."""
    study = study_of(data, tmp_path / "store")
    fill(study, [15, 60, 30, 45])
    study.pick()
    return study


def raised(monkeypatch: pytest.MonkeyPatch, part: str) -> None:
    """Raise a part's version."""
    before = identity.version_of
    monkeypatch.setattr(identity, "version_of", lambda module: before(module) + (module == part))


def test_it_needs_no_data_set_no_backbone_and_no_method(
    study: Study, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = study.folder / "spec.json"
    saved = json.loads(path.read_text())
    saved["experiment"]["source"]["backbone"] = "of_another_timm"
    saved["experiment"]["transfer"]["dropped_field"] = 1
    path.write_text(json.dumps(saved))
    shutil.rmtree(data)
    raised(monkeypatch, "sfcmt.stages.fit")
    found = Study.find("mine", study.store.place)
    assert found.identity == study.identity
    assert isinstance(found.experiment.source, SourceConfig)
    assert found.experiment.source.backbone == "of_another_timm"
    assert found.dataset.whole_digest == study.dataset.whole_digest
    assert [name for name, _ in found.pool()] == [name for name, _ in study.pool()]
    assert found.pick() == study.selection()
    page = Page(report(open_studies(["mine"], study.store.place))["report.html"])
    assert "trial" in page.text


def test_a_method_that_is_no_more_is_shown(study: Study) -> None:
    path = study.folder / "spec.json"
    saved = json.loads(path.read_text())
    saved["experiment"]["method"] = "forgotten"
    path.write_text(json.dumps(saved))
    assert Study.find("mine", study.store.place).experiment.method == "forgotten"


def test_it_goes_on_after_a_switch_was_added(study: Study, data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    method = METHODS["tgkt"]
    monkeypatch.setattr(method, "Config", create_model("Wider", __base__=method.Config, new_switch=(float, 0.0)))
    row = {**frozen_defaults()["transfer.tgkt"], "new_switch": 0.0}
    defaults = {**frozen_defaults(), "transfer.tgkt": row}
    monkeypatch.setattr(identity, "frozen_defaults", lambda: defaults)
    longer = study_of(data, Path(study.store.place), search={"trials": TRIALS + 2})
    assert longer.experiment.transfer.new_switch == 0.0
    assert (longer.folder, len(longer.trials)) == (study.folder, TRIALS)
    on = study_of(data, Path(study.store.place), sections={"transfer": {"new_switch": 1.0}})
    assert on.identity != study.identity


def test_other_code_is_another_study_which_says_what_differs(
    study: Study, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    raised(monkeypatch, "sfcmt.stages.terms.pair_features")
    other = study_of(data, Path(study.store.place))
    assert other.identity != study.identity
    assert other.others == {study.folder.name: ["versions.sfcmt.stages.terms.pair_features: 2 here, the default there"]}
    changed = study_of(data, Path(study.store.place), sections={"transfer": {"lr": 0.1}}, pick={"validator": "ensv"})
    differs = changed.others[study.folder.name]
    assert 'pick.validator: "ensv" here, "ensv_infomax" there' in differs
    assert "recipe.config.lr: 0.1 here, the default there" in differs


def test_new_code_of_what_a_trial_may_use_is_another_study(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    space = SPACE | {"transfer.pseudo.weighting": {"choice": ["threshold", "softmatch"]}}
    plain, both = (study_of(data, tmp_path / "store", name, space=one) for name, one in (("a", SPACE), ("b", space)))
    raised(monkeypatch, "sfcmt.pseudo_labels.weightings.softmatch")
    assert study_of(data, tmp_path / "store", "a", space=SPACE).identity == plain.identity
    assert study_of(data, tmp_path / "store", "b", space=space).identity != both.identity


class TestExtension:
    @pytest.mark.parametrize("scored", [False, True])
    def test_is_told_and_the_first_selection_is_kept(self, study: Study, data: Path, scored: bool) -> None:
        first = study.selection()
        if scored:
            score_study(study)
        longer = study_of(data, Path(study.store.place), search={"trials": TRIALS + 2})
        assert longer.folder == study.folder
        assert not longer.optuna.is_finished
        fill(longer, [24, 36])
        selection = longer.pick()
        assert selection["trials"] == TRIALS + 2
        kept: dict[str, Any] = {name: first[name] for name in ("winner", "values", "transfer", "trials")}
        assert selection["earlier"] == [kept | {"scored": scored}]
        labels = " after its labels were opened" if scored else ""
        assert extension_text(selection) == f"extended from {TRIALS} trials{labels} to {TRIALS + 2}"
        assert longer.pick() == longer.selection() == selection
        page = Page(report(open_studies(["mine"], study.store.place))["report.html"])
        assert page.text.count(extension_text(selection)) > 1

    def test_scores_are_of_the_selection_as_it_is(self, study: Study, data: Path) -> None:
        score_study(study)
        longer = study_of(data, Path(study.store.place), search={"trials": TRIALS + 1})
        fill(longer, [24])
        longer.pick()
        assert longer.scores() is None
        score_study(longer)
        assert longer.scores() is not None

    def test_without_more_trials_nothing_changes(self, study: Study) -> None:
        before = (study.folder / "selection.json").read_bytes()
        study.pick()
        assert (study.folder / "selection.json").read_bytes() == before
        assert extension_text(study.selection()) == ""


@pytest.mark.parametrize("kind", ["studies", "stages"])
def test_a_newer_file_is_refused_in_one_line(study: Study, kind: str) -> None:
    anchor = study.record.anchors["source_only"]
    folder = {"studies": study.folder, "stages": study.store.root / "stages" / f"transfer-{anchor}"}[kind]
    path = folder / {"studies": "spec.json", "stages": "artifact.json"}[kind]
    path.write_text(json.dumps(json.loads(path.read_text()) | {"format": 3}))
    with pytest.raises(StoreError, match=r"of format 3; this release of sfcmt reads up to 2; install a newer one"):
        list(Study.find("mine", study.store.place).pool())
