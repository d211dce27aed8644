"""A search by few labels of the user's: its identity, its pick, what it says of itself, and the sealed labels."""

from __future__ import annotations

import csv
import shutil
from pathlib import Path

import pytest

from sfcmt.data.dataset import Dataset
from sfcmt.evaluation.labels import open_labels
from sfcmt.reports.audit.places import find_audited
from sfcmt.reports.audit.session import Session
from sfcmt.reports.page.search import search_sections
from sfcmt.reports.registry.candidate import Candidate
from sfcmt.reports.registry.card import model_card
from sfcmt.reports.sources.search import read_search
from sfcmt.tuning.search.show import few_labels_lines
from sfcmt.tuning.search.study import Study
from tests.reports.audit.audits import audit, complete, target_ids, truth
from tests.reports.registry.studies import finished
from tests.stages.test_source_free import shuffle_labels
from tests.tuning.search.test_study import fill, study_of

RIGHTS = [15, 60, 30, 45]
"""Of 60 images, by trial; by label-free scores trial 2 is picked."""


def few(data: Path, path: Path, count: int = 12, skip: int = 0) -> Path:
    """True labels of some images, as their table."""
    told = [*truth(data).items()][skip : skip + count]
    with path.open("w") as file:
        csv.writer(file).writerows([("id", "label"), *told])
    return path


def judged_by(data: Path, folder: Path, labels: Path) -> Study:
    return study_of(data, folder / "store", objective={"few_labels": str(labels)})


@pytest.fixture
def study(tiny_data: Path, tmp_path: Path) -> Study:
    """Picked, and without its table."""
    path = few(tiny_data, tmp_path / "few.csv", skip=48)
    study = judged_by(tiny_data, tmp_path, path)
    path.unlink()
    fill(study, RIGHTS)
    study.pick()
    return study


def test_it_is_another_search_for_other_labels(tiny_data: Path, tmp_path: Path) -> None:
    mine = judged_by(tiny_data, tmp_path, few(tiny_data, tmp_path / "few.csv"))
    assert study_of(tiny_data, tmp_path / "store").identity != mine.identity
    shutil.copy(tmp_path / "few.csv", tmp_path / "copy.csv")
    assert judged_by(tiny_data, tmp_path, tmp_path / "copy.csv").identity == mine.identity
    fewer, other = few(tiny_data, tmp_path / "11.csv", 11), few(tiny_data, tmp_path / "o.csv", skip=1)
    assert len({mine.identity, *(judged_by(tiny_data, tmp_path, path).identity for path in (fewer, other))}) == 3
    assert any("objective.few_labels.labels: 11 here, 12 there" in text for text in _told(tiny_data, tmp_path, fewer))


def _told(data: Path, folder: Path, labels: Path) -> list[str]:
    return ["; ".join(told) for told in judged_by(data, folder, labels).others.values()]


def test_the_few_labels_pick_where_label_free_scores_err(study: Study) -> None:
    selection = study.selection()
    assert (selection["winner"], selection["pick"]) == (1, "few_labels_ensv_infomax")
    assert study.spec.objective.names == ("few_labels_anchor_agreement",)
    found = Study.find("mine", study.store.place)
    assert found.record.few_labels == study.record.few_labels
    assert found.pick() == selection
    assert [*few_labels_lines(found)] == [
        "Trials are judged and picked by 12 labels of the user's, with label-free scores: no label-free search."
    ]


def test_sealed_labels_change_nothing(tiny_data: Path, tmp_path: Path) -> None:
    data, labels_N = Path(shutil.copytree(tiny_data, tmp_path / "data")), truth(tiny_data)
    path = few(data, tmp_path / "few.csv")
    studies = []
    for name in ("a", "b"):
        study = judged_by(data, tmp_path / name, path)
        fill(study, RIGHTS, labels_N=_numbers(tiny_data))
        study.pick()
        studies.append((study.folder / "selection.json").read_bytes())
        shuffle_labels(data)
    assert studies[0] == studies[1]
    assert truth(data) != labels_N


def _numbers(data: Path) -> list[int]:
    numbers: list[int] = open_labels(Dataset(data)).labels_N.tolist()
    return numbers


def test_it_is_never_called_label_free(study: Study) -> None:
    results = read_search(study)
    assert results.pick.selection == "few_labels_ensv_infomax over 5 models, by 12 labels of the user's"
    text = str(search_sections("S", results))
    for told in ("few_labels_anchor_agreement, by 12 labels of the user's", "maximised by 12 labels of the user's"):
        assert told in text
    for claim in ("label-free;", "(label-free)", "maximised without labels", "models, without labels"):
        assert claim not in text


@pytest.mark.slow
def test_the_card_of_its_model_says_so(tiny_data: Path, tmp_path: Path) -> None:
    space = {"transfer.beta_kl": {"choice": [0.5]}}
    labels = {"few_labels": str(few(tiny_data, tmp_path / "few.csv"))}
    candidate = Candidate.winner(finished(tiny_data, tmp_path / "store", "mine", space, {}, objective=labels))
    assert 0 < candidate.validators["few_labels"] <= 1
    assert candidate.lineage["sfcmt.few_labels"] == "12"
    card = model_card(candidate)
    assert "models were chosen by 12 labels of the user's, of target images" in card
    assert "by few_labels_ensv_infomax over 2 models, by 12 labels of the user's." in card
    assert "## Scores by 12 labels of the user's" in card
    assert "without labels" not in card
    assert "No target label was read" not in card


def test_no_audit_draws_what_has_chosen(study: Study, tiny_data: Path) -> None:
    assert study.record.few_labels is not None
    chose = set(study.record.few_labels.ids)
    session = audit(study, labels=48)
    assert set(session.record.ids) == set(target_ids(tiny_data)) - chose
    assert (session.draw.images, session.record.data["images"], session.record.data["left_out"]) == (48, 48, 12)
    true = truth(tiny_data)
    with session.record.labelling():
        session.record.answer({id_: true[id_] for id_ in session.record.left}, "csv")
        session.seal()
    assert session.findings()[0].estimate.value == 1.0
    complete(study, study.transfer(study.selection()["transfer"]))
    by_folder = find_audited(str(study.transfer(study.selection()["transfer"])), (), "", tiny_data)
    assert Session.open(by_folder).record.identity == session.record.identity
    complete(study, study.transfer(study.anchors[0].identity))
    anchor = find_audited(str(study.transfer(study.anchors[0].identity)), (), "", tiny_data)
    assert len(anchor.ids) == 60


def test_labels_that_an_audit_has_drawn_are_told(tiny_data: Path, tmp_path: Path) -> None:
    plain = study_of(tiny_data, tmp_path / "store", name="plain")
    fill(plain, RIGHTS)
    plain.pick()
    audit(plain, labels=60)
    told = [*few_labels_lines(judged_by(tiny_data, tmp_path, few(tiny_data, tmp_path / "few.csv")))]
    assert told[-1] == "images that an audit in this store has drawn are among the few labels: 12"
    assert [*few_labels_lines(plain)] == []
