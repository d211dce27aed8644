"""What is drawn for whom, what the labels say, and what an audit leaves alone."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pytest

from sfcmt.data.dataset import Dataset
from sfcmt.errors import ConfigError, DataError, StoreError
from sfcmt.evaluation.labels import open_labels
from sfcmt.reports.audit.audited import Audited
from sfcmt.reports.audit.places import find_audited
from sfcmt.reports.audit.session import Session
from sfcmt.reports.audit.show import document, facts, plan_lines, so_far
from sfcmt.tuning.search.optuna_study import SearchError
from sfcmt.tuning.search.study import Study, extension_text
from tests.reports.audit.audits import audit, picked, target_ids, truth
from tests.tuning.search.test_study import TRIALS, fill, study_of


@pytest.fixture
def study(tiny_data: Path, tmp_path: Path) -> Study:
    return picked(tiny_data, tmp_path / "store")


def label(session: Session, data: Path, count: int | None = None) -> None:
    true = truth(data)
    with session.record.labelling():
        session.record.answer({id_: true[id_] for id_ in session.record.left[:count]}, "csv")
        if not session.record.left:
            session.seal()


def test_nothing_is_drawn_before_the_pick(tiny_data: Path, tmp_path: Path) -> None:
    study = study_of(tiny_data, tmp_path)
    with pytest.raises(SearchError, match="no winner yet"):
        audit(study)
    assert not (tmp_path / "audits").exists()


def test_there_is_no_second_draw(study: Study, tiny_data: Path) -> None:
    first = audit(study, labels=20)
    assert len(set(first.record.ids)) == 20
    folder = study.transfer(study.selection()["transfer"])
    by_folder = Session.open(find_audited(str(folder), (), "", tiny_data))
    assert by_folder.record.folder == audit(study).record.folder == first.record.folder
    assert by_folder.record.ids == first.record.ids
    longer = audit(study, labels=30)
    assert longer.record.ids[:20] == first.record.ids
    assert not longer.record.is_extended  # nothing was labelled
    for labels, allowed in ((29, "30, which are drawn already, or more"), (61, "up to 60, the images")):
        with pytest.raises(ConfigError, match=f"--labels: {labels} is not allowed; allowed: {allowed}"):
            audit(study, labels=labels)


def test_other_images_than_those_drawn_are_refused(study: Study) -> None:
    record = audit(study, labels=20).record
    document = json.loads((record.folder / "audit.json").read_text())
    document["ids"][3] = next(id_ for id_ in target_ids(study.dataset.folder) if id_ not in document["ids"])
    (record.folder / "audit.json").write_text(json.dumps(document))
    with pytest.raises(StoreError, match="was edited: its images are not those that follow from what is audited"):
        audit(study)


def test_what_the_labels_say(study: Study, tiny_data: Path) -> None:
    session = audit(study, labels=60)
    assert so_far(session) == ""
    label(session, tiny_data, 59)
    assert session.findings()[0].estimate.interval is None
    label(session, tiny_data)
    (found,) = session.findings()
    assert found.estimate.value == pytest.approx(0.5)
    assert found.estimate.interval is not None
    assert (found.estimate.interval.low, found.estimate.interval.high) == pytest.approx((0.5, 0.5))
    assert found.balanced is not None
    assert found.balanced.value == pytest.approx(0.5)
    told = dict(facts(session.record, session.findings()))
    assert told["Accuracy of mine, trial 2, on these 60 images"] == "50.0 %, [50.0, 50.0] at 95%"
    assert told["Labels"] == f"60 of 60, sealed as {session.record.seal_digest}"
    again = audit(study)
    assert json.dumps(document(again)) == json.dumps(document(session))


def test_it_says_before_anything_is_labelled_how_much_the_labels_will_say(study: Study) -> None:
    session = audit(study, labels=20)
    lines = [*plan_lines(session, "mine")]
    assert lines[:2] == [
        "Audit of mine, trial 2, on the 60 target images of tiny",
        "  20 images to label, drawn from the digest of what is audited; labelled so far: 0",
    ]
    assert re.fullmatch(
        r"  they will tell accuracy to within 1\d points at most with all 20; "
        r"2\d for who stops on the way by what is seen \(at 95 %\)",
        lines[2],
    )
    assert lines[3].startswith(f"  labels are kept in {session.record.folder}")
    assert [line.split("  ")[1] for line in lines[4:]] == [
        f"sfcmt audit mine {how}" for how in ("--serve", "--export FOLDER", "--csv FOLDER/labels.csv")
    ]


def test_two_models_are_told_apart_where_they_differ(study: Study, tiny_data: Path) -> None:
    with pytest.raises(
        ConfigError, match="--labels: 60 is not allowed; allowed: up to 30, the images on which the two"
    ):
        audit(study, "1", labels=60)
    session = audit(study, "1")
    assert len(session.record.ids) == 30
    label(session, tiny_data)
    (found,) = session.findings()
    assert found.names == ("mine, trial 2", "mine, trial 1")
    assert found.estimate.value == pytest.approx(-0.5)
    one, two = (study.trials[number].user_attrs["transfer"] for number in (1, 2))
    assert found.transfers == (two, one)
    trial = str(study.transfer(one))
    reverse = Session.open(find_audited(trial, [str(study.transfer(two))], "", tiny_data))
    assert reverse.record.folder == session.record.folder
    assert reverse.findings()[0].names == found.names
    assert any("optimistic" in text for _, text in facts(session.record, session.findings()))


def test_several_are_corrected_for(study: Study, tiny_data: Path) -> None:
    session = audit(study, "1", "source_only", labels=20)
    label(session, tiny_data)
    found = session.findings()
    assert [one.names for one in found] == [
        *((name,) for name in ("mine, trial 2", "mine, trial 1", "mine, source_only")),
        *((name, "mine, trial 2") for name in ("mine, trial 1", "mine, source_only")),
    ]
    assert [one.estimate.anytime.level for one in found] == pytest.approx([1 - 0.05 / 3] * 3 + [0.975] * 2)
    with pytest.raises(ConfigError, match="--against: '1' is not allowed; allowed: a model that is not named yet"):
        audit(study, "1", "1")


def test_a_longer_audit_after_labels_looks_at_any_time(study: Study, tiny_data: Path) -> None:
    session = audit(study, labels=20)
    label(session, tiny_data)
    longer = audit(study, labels=40)
    label(longer, tiny_data)
    (found,) = longer.findings()
    assert (found.estimate.n, found.estimate.interval) == (40, None)
    assert "any look" in dict(facts(longer.record, [found]))["Accuracy of mine, trial 2, on these 60 images"]


def test_a_study_is_left_alone_and_says_when_it_is_extended_afterwards(study: Study, tiny_data: Path) -> None:
    before = {path: path.read_bytes() for path in study.folder.rglob("*") if path.is_file()}
    label(audit(study, labels=20), tiny_data, 1)
    assert {path: path.read_bytes() for path in study.folder.rglob("*") if path.is_file()} == before
    assert study.pick() == json.loads(before[study.folder / "selection.json"])
    longer = study_of(tiny_data, Path(study.store.place), search={"trials": TRIALS + 1})
    fill(longer, [24])
    selection = longer.pick()
    assert selection["earlier"][0]["audited"] is True
    text = f"extended from {TRIALS} trials after some labels were seen in an audit to {TRIALS + 1}"
    assert extension_text(selection) == text


def test_nothing_sealed_is_needed(tiny_data: Path, tmp_path: Path) -> None:
    labels_N = open_labels(Dataset(tiny_data)).labels_N.tolist()
    data = tmp_path / "data"
    shutil.copytree(tiny_data, data, ignore=shutil.ignore_patterns("sealed"))
    session = audit(picked(data, tmp_path / "store", labels_N), labels=20)
    label(session, tiny_data)
    assert session.record.result is not None
    assert session.findings()[0].estimate.value is not None


def test_the_images_must_be_those_that_were_answered(study: Study, tiny_data: Path, tmp_path: Path) -> None:
    folder = str(study.transfer(study.selection()["transfer"]))
    with pytest.raises(ConfigError, match="--data: None is not allowed; allowed: the folder of the data set whose"):
        find_audited(folder, (), "")
    other = tmp_path / "other"
    shutil.copytree(tiny_data, other)
    manifest = json.loads((other / "manifest.json").read_text())
    manifest["files"]["target"]["sha256"] = "0" * 64
    (other / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(DataError, match=f"{folder}: has answered other images than the target images of {other}"):
        find_audited(folder, (), "", other)
    assert isinstance(find_audited(folder, (), "", tiny_data), Audited)
