"""A study on disk: identity, pool, pick and scores, on outputs that are written by hand."""

from __future__ import annotations

import json
import re
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import ray
import torch

from sfcmt.callbacks import Callback
from sfcmt.data.schema import Sealed
from sfcmt.errors import ConfigError, DiskError
from sfcmt.evaluation.labels import open_labels
from sfcmt.grounding.evidence import PairEvidence
from sfcmt.grounding.wording import gate_text
from sfcmt.outputs import Outputs
from sfcmt.recipes import PAIR_EVIDENCE, TRANSFER
from sfcmt.testing.tiny import CLASSES, tiny_experiment, write_tiny
from sfcmt.tuning.search.optuna_study import SearchError
from sfcmt.tuning.search.run import run_study
from sfcmt.tuning.search.scoring import RANKED_FROM, accountability_of, score_study
from sfcmt.tuning.search.spec import CheckedSearch, SearchSpec
from sfcmt.tuning.search.study import Study, gate_of
from sfcmt.tuning.search.study_folder import write_json
from sfcmt.tuning.search.tree import study_tree
from sfcmt.validators.pool.ensv_infomax import ensv_infomax
from tests.disks import read_only
from tests.evaluation.resealed import column, reseal

SPACE = {"transfer.beta_f": {"log": [1, 10]}, "transfer.beta_kl": {"uniform": [0, 1]}}
_SHOT = {"transfer.beta_im": {"uniform": [0, 2]}}
TRIALS = 4


def study_of(data: Path, store: Path, name: str = "mine", sections: dict[str, Any] | None = None, **spec: Any) -> Study:
    raw = {"experiment": "tiny", "space": SPACE, "anchors": ["source_only"], "search": {"trials": TRIALS}} | spec
    checked = SearchSpec.model_validate(raw)
    assert not isinstance(checked.space, str)
    return Study.of(name, CheckedSearch(checked, tiny_experiment(data, store, **sections or {}), checked.space))


def outputs(rights: int, labels_N: list[int]) -> Outputs:
    """Right on the first third of `rights` of each class's images, and one class off on the rest."""
    seen = [labels_N[:row].count(label) for row, label in enumerate(labels_N)]
    told = [label if 3 * before < rights else (label + 1) % 3 for before, label in zip(seen, labels_N, strict=True)]
    classes_N = torch.tensor(told)
    logits = 5 * torch.nn.functional.one_hot(classes_N, len(CLASSES)).float()
    return Outputs(logits, logits.clone(), *(torch.ones(4, 3) for _ in range(4)))


def tell_evidence(study: Study, labels_N: list[int], frames: int) -> None:
    """Publish what pairs tell: the label of each image, by pairs of so many frames, of which one proves nothing."""
    folder = study.store.root / "stages" / f"{PAIR_EVIDENCE}-{study.record.pair_evidence}"
    folder.mkdir(parents=True, exist_ok=True)
    every = np.arange(len(labels_N))
    told = np.eye(len(CLASSES))[labels_N]
    PairEvidence(every, every[:, None], told, every, every % frames).save(folder)
    (folder / "artifact.json").write_text(json.dumps({"identity": study.record.pair_evidence}))


def fill(
    study: Study, rights: list[int], anchor: int = 45, labels_N: list[int] | None = None, pair_frames: int = 1
) -> None:
    """Tell the study of completed trials that are right on so many images (the last of its trials failing)."""
    labels_N = labels_N or open_labels(study.dataset).labels_N.tolist()
    tell_evidence(study, labels_N, pair_frames)
    for stage in study.anchors:
        folder = study.store.root / "stages" / f"transfer-{stage.identity}"
        folder.mkdir(parents=True, exist_ok=True)
        outputs(anchor, labels_N).save(folder)
        (folder / "artifact.json").write_text(json.dumps({"identity": stage.identity, "seconds": 1}))
    for right in rights:
        found = study.optuna.next_trial()
        assert found is not None
        folder = study.store.root / "stages" / f"{TRANSFER}-trial{found[0]}"
        folder.mkdir(parents=True)
        outputs(right, labels_N).save(folder)
        (folder / "artifact.json").write_text(json.dumps({"identity": f"trial{found[0]}"}))
        study.optuna.note(found[0], "transfer", f"trial{found[0]}")
        study.optuna.complete(found[0], [0.5])
    while (left := study.optuna.next_trial()) is not None:
        study.optuna.fail(left[0], "why not")


class TestIdentity:
    def test_ignores_what_cannot_change_a_result(self, tiny_data: Path, tmp_path: Path) -> None:
        first = study_of(tiny_data, tmp_path / "a").identity
        same = study_of(
            tiny_data,
            tmp_path / "b",
            storage=f"sqlite:///{tmp_path}/s.db",
            search={"trials": TRIALS + 1},
            resources={"cpus": 2, "concurrent": 1},
            sections={"runtime": {"threads": 2}},
        )
        assert same.identity == first

    @pytest.mark.parametrize(
        "spec",
        [
            {"space": SPACE | {"transfer.beta_f": {"log": [1, 11]}}},
            {"space": dict(reversed(SPACE.items()))},
            {"search": {"trials": TRIALS, "seed": 1}},
            {"objective": {"validator": "snd"}},
            {"anchors": ["source_only", "shot"]},
            {"scheduler": {"asha": {}}},
            {"sections": {"seed": 1}},
            {"sections": {"transfer": {"lr": 0.1}}},
            {"sections": {"baselines": {"source_only": {"ema": 0.5}, "shot": {"beta_im": 2.0}}}, "anchors": ["shot"]},
        ],
    )
    def test_changes_with_what_can(self, tiny_data: Path, tmp_path: Path, spec: dict[str, Any]) -> None:
        assert study_of(tiny_data, tmp_path).identity != study_of(tiny_data, tmp_path, **spec).identity

    def test_changes_with_the_data(self, tiny_data: Path, tmp_path: Path) -> None:
        other = write_tiny(tmp_path / "data", rows=30)
        assert study_of(tiny_data, tmp_path).identity != study_of(other, tmp_path).identity

    def test_has_one_name(self, tiny_data: Path, tmp_path: Path) -> None:
        study_of(tiny_data, tmp_path)
        with pytest.raises(ConfigError, match=r"mine-.*under which the same study exists"):
            study_of(tiny_data, tmp_path, name="other")


def test_without_pairs_a_search_of_what_rests_on_them_is_refused(tmp_path: Path) -> None:
    data = write_tiny(tmp_path / "data", pairs=False)
    none = re.escape(f": {data} has no TI pairs")
    with pytest.raises(ConfigError, match=f"'pair_cosine' is not allowed; allowed: anchor_agreement, .*{none}"):
        study_of(data, tmp_path, objective={"validator": "pair_cosine"}, sections={"method": "shot"}, space=_SHOT)
    with pytest.raises(ConfigError, match=r"space.transfer.beta_f: .* no field that rests on TI pairs"):
        study_of(data, tmp_path, sections={"method": "robust_tgkt"})
    with pytest.raises(ConfigError, match="method: 'tgkt' is not allowed; allowed: a data set with TI pairs"):
        study_of(data, tmp_path)
    study_of(data, tmp_path, sections={"method": "robust_tgkt"}, space=_SHOT)


class TestFind:
    def test_by_name_and_by_folder(self, tiny_data: Path, tmp_path: Path) -> None:
        study = study_of(tiny_data, tmp_path)
        study_of(tiny_data, tmp_path, name="mine-too", anchors=["shot"])
        for place in ("mine", study.folder.name, str(study.folder)):
            assert Study.find(place, tmp_path).folder == study.folder

    @pytest.mark.parametrize("place", ["none", "/no/such/folder"])
    def test_an_unknown_one(self, tiny_data: Path, tmp_path: Path, place: str) -> None:
        study = study_of(tiny_data, tmp_path)
        with pytest.raises(ConfigError, match=study.folder.name):
            Study.find(place, tmp_path)


class TestPick:
    def test_is_the_most_like_the_pool_and_of_equals_the_first(self, tiny_data: Path, tmp_path: Path) -> None:
        study = study_of(tiny_data, tmp_path, pick={"validator": "ensv"})
        fill(study, [0, 45, 45])
        selection = study.pick()
        assert (selection["winner"], selection["transfer"]) == (1, "trial1")
        assert selection["values"] == study.trials[1].params
        assert selection["scores"] == {"source_only": 1.0, "0": 0.25, "1": 1.0, "2": 1.0}  # trial 0 differs on 45 of 60
        assert study.selection() == selection

    def test_by_default_certainty_counts_as_much_as_agreement(self, tiny_data: Path, tmp_path: Path) -> None:
        study = study_of(tiny_data, tmp_path)
        fill(study, [0, 45, 30])
        selection = study.pick()
        pool = dict(study.pool())
        assert selection["pick"] == "ensv_infomax"
        assert selection["scores"] == dict(zip(pool, ensv_infomax([*pool.values()]), strict=True))

    def test_pairs_that_know_let_only_the_best_of_the_pool_be_picked(self, tiny_data: Path, tmp_path: Path) -> None:
        study = study_of(tiny_data, tmp_path)
        fill(study, [15, 60, 15], anchor=15, pair_frames=20)
        selection = study.pick()
        assert (selection["winner"], selection["scores"].keys()) == (1, {"1"})  # all others are wrong alike
        found = gate_of(selection)
        assert found is not None
        assert found.passed == ("1",)
        assert found.associations["1"] > 0.9
        assert "1 of 4 pass the gate of the pairs: trial 1 (best" in gate_text(found)
        scores = score_study(study)
        regrets = {name: one["regret"] for name, one in scores["validators"].items()}
        assert regrets["ensv"] > regrets["gated_ensv"] == regrets["grounding"] == 0

    def test_is_refused_while_trials_are_missing(self, tiny_data: Path, tmp_path: Path) -> None:
        study = study_of(tiny_data, tmp_path)
        assert study.optuna.next_trial() is not None
        with pytest.raises(SearchError, match="not all trials have ended"):
            study.pick()
        assert not (study.folder / "selection.json").exists()

    def test_is_refused_if_no_trial_completed(self, tiny_data: Path, tmp_path: Path) -> None:
        study = study_of(tiny_data, tmp_path)
        fill(study, [])
        with pytest.raises(SearchError, match="no trial completed"):
            study.pick()

    def test_labels_change_no_byte(self, tiny_data: Path, tmp_path: Path) -> None:
        def files(data: Path) -> tuple[bytes, bytes]:
            study = study_of(data, tmp_path / "store")
            fill(study, [12, 30, 21, 45], labels_N=labels_N)
            study.pick()
            found = (study.folder / "spec.json").read_bytes(), (study.folder / "selection.json").read_bytes()
            shutil.rmtree(tmp_path / "store")
            return found

        data = Path(shutil.copytree(tiny_data, tmp_path / "data"))
        labels_N = [row % 3 for row in range(60)]
        first = files(data)
        assert files(data) == first
        reseal(data, Sealed.LABELS, label=list(reversed(column(data, Sealed.LABELS, "label"))))
        assert files(data) == first


class TestScore:
    def test_by_hand(self, tiny_data: Path, tmp_path: Path) -> None:
        study = study_of(tiny_data, tmp_path)
        fill(study, [15, 60, 30, 45], anchor=30)
        winner = study.pick()["winner"]
        scores = score_study(study)
        # three of five models are right on the first half of each class, two on what follows: the ensemble is trial 2
        assert winner == 2
        assert scores["oracle_balanced_accuracy"] == pytest.approx(
            {"source_only": 0.5, "0": 0.25, "1": 1.0, "2": 0.5, "3": 0.75}
        )
        assert scores["regret"] == pytest.approx(0.5)
        assert scores["worst_regret"] == pytest.approx(0.75)
        # trial 1 is right on all images, and so the best on any half
        assert scores["cross_fitted_regret"] == pytest.approx(0.5, abs=0.01)
        assert scores["validators"]["ensv"] == {
            "regret": pytest.approx(0.5),
            "cross_fitted_regret": scores["cross_fitted_regret"],
            "spearman": None,  # of four trials
        }
        assert json.loads((study.folder / "scores.json").read_text()) == scores

    def test_validators_are_ranked_from_five_models_on(self) -> None:
        assert RANKED_FROM == 5
        values = {"a": 45.0, "b": 30.0, "c": 60.0, "d": 45.0, "e": 0.0}
        truth = {"a": 0.1, "b": 0.4, "c": 0.2, "d": 0.3, "e": 0.0}
        # ranks 3.5, 2, 5, 3.5, 1 against 2, 5, 3, 4, 1: covariance 2, r = 2 / sqrt(9.5 * 10)
        found = accountability_of(values, truth, [*values], {"c": 0.15})
        rank = pytest.approx(2 / 95**0.5)
        assert found == {"regret": pytest.approx(0.2), "cross_fitted_regret": 0.15, "spearman": rank}
        assert accountability_of(values, truth, [*values], None) == found | {"cross_fitted_regret": None}
        assert accountability_of(values, truth, [*values][:4], None)["spearman"] is None
        assert accountability_of(dict.fromkeys(values, 1.0), truth, [*values], None)["spearman"] is None

    def test_not_before_the_pick(self, tiny_data: Path, tmp_path: Path) -> None:
        with pytest.raises(SearchError, match="no winner yet"):
            score_study(study_of(tiny_data, tmp_path))


def test_the_pick_is_part_of_the_identity(tiny_data: Path, tmp_path: Path) -> None:
    other = study_of(tiny_data, tmp_path, pick={"validator": "ensv"})
    assert other.identity != study_of(tiny_data, tmp_path).identity


def test_who_shows_a_study_writes_nothing(tiny_data: Path, tmp_path: Path) -> None:
    study = study_of(tiny_data, tmp_path / "store")
    fill(study, [15, 60])
    study.pick()
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")}
    with read_only(tmp_path):
        found = Study.find("mine", tmp_path / "store")
        assert (found.selection(), len(found.trials)) == (study.selection(), TRIALS)
        assert "trial 0  COMPLETE" in str(study_tree(found).children[0].label)
        with pytest.raises(DiskError, match=r"scores\.json: Read-only file system"):
            score_study(found)
    Study.find(str(study.folder), "")
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")} == before


def test_of_two_writers_of_a_file_the_last_one_counts(tmp_path: Path) -> None:
    documents = [{"writer": number, "much": "x" * 100_000} for number in range(4)]
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(write_json, [tmp_path / "spec.json"] * 40, documents * 10))
    assert json.loads((tmp_path / "spec.json").read_text()) in documents
    assert [path.name for path in tmp_path.iterdir()] == ["spec.json"]


def test_a_search_that_could_train_nothing_is_refused_before_it_starts(tiny_data: Path, tmp_path: Path) -> None:
    before = ray.is_initialized()  # by other tests
    study = study_of(tiny_data, tmp_path, sections={"source": {"backbone": "levit_128s", "size": 64}})
    with pytest.raises(ConfigError, match="levit_128s, made for 64 pixels"):
        run_study(study, Callback())
    assert study.trials == []
    assert ray.is_initialized() == before
