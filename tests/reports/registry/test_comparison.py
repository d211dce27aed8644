"""What keeps two versions from being compared."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from mlflow.entities.model_registry import ModelVersion, ModelVersionTag

from sfcmt.data.manifest import MANIFEST
from sfcmt.errors import DataError
from sfcmt.reports.registry import comparison, promotion
from sfcmt.reports.registry.alias import Alias
from sfcmt.reports.registry.candidate import CLASSES, TARGET
from sfcmt.reports.registry.comparison import gather, obstacles, unjudged
from sfcmt.reports.registry.events import Action
from sfcmt.tuning.search.study import Study
from tests.tuning.search.test_study import study_of, tell_evidence


def version(**tags: str) -> ModelVersion:
    names = {"classes": CLASSES, "target": TARGET}
    return ModelVersion("net", "1", 0, tags=[ModelVersionTag(names[key], value) for key, value in tags.items()])


def test_the_same_images_and_classes_can_be_compared() -> None:
    one = version(classes='["cup", "box"]', target="a" * 64)
    assert obstacles(one, one) == []


def test_all_that_differs_is_said() -> None:
    ours, theirs = version(classes='["cup", "box"]', target="a" * 64), version(classes='["box"]', target="b" * 64)
    assert obstacles(ours, theirs) == [
        "its classes are cup, box, the champion's box",
        "the digest of its target images is aaaaaaaaaaaa, the champion's bbbbbbbbbbbb",
    ]


def test_a_strangers_model_is_none_of_ours() -> None:
    ours = version(classes='["cup"]', target="a")
    assert obstacles(ours, version()) == ["the champion was not registered by sfcmt"]


class TestData:
    """What becomes of a promotion where the data set is gone, or is another."""

    @pytest.fixture
    def data(self, tiny_data: Path, tmp_path: Path) -> Path:
        return Path(shutil.copytree(tiny_data, tmp_path / "data"))

    @pytest.fixture
    def candidate(self, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
        monkeypatch.setattr(comparison, "predictions_of_version", lambda version: None)
        monkeypatch.setattr(comparison, "grounding", lambda ours, theirs, pairs: SimpleNamespace(convinces=True))
        study = study_of(data, tmp_path / "store")
        tell_evidence(study, [row % 3 for row in range(60)], frames=20)
        return SimpleNamespace(predictions=None, study=study)

    def test_where_it_is_not_labels_are_not_asked_and_the_move_says_so(self, candidate: Any, data: Path) -> None:
        assert unjudged(candidate.study) == ""
        shutil.rmtree(data)
        one = version(classes='["cup"]', target="a" * 64)
        client = SimpleNamespace(get_model_version=lambda name, number: one)
        model: Any = SimpleNamespace(name="net", aliases={Alias.CHAMPION: "1"}, client=client)
        move = promotion._verdict(model, candidate, one, "it is newer", force=False, audited=False)
        assert len(move.evidence) == 1
        assert move.reason == f"it is newer; not judged by labels: {data} is not here"

    @pytest.mark.parametrize("force", [False, True])
    def test_without_pairs_and_labels_certainty_alone_promotes_nobody(
        self, candidate: Any, data: Path, tmp_path: Path, force: bool
    ) -> None:
        study = Study(replace(candidate.study.record, pair_evidence=None), candidate.study.store)
        alone, one = SimpleNamespace(predictions=None, study=study), version(classes='["cup"]', target="a" * 64)
        shutil.rmtree(data)
        client = SimpleNamespace(get_model_version=lambda name, number: one)
        model: Any = SimpleNamespace(name="net", aliases={Alias.CHAMPION: "1"}, client=client)
        move = promotion._verdict(model, alone, one, "", force, audited=False)  # type: ignore[arg-type]
        assert move.action is (Action.FORCED if force else Action.REFUSED)

    def test_another_one_is_an_error(self, candidate: Any, data: Path) -> None:
        manifest = json.loads((data / MANIFEST).read_text())
        manifest["files"]["target"]["sha256"] = "0" * 64
        (data / MANIFEST).write_text(json.dumps(manifest))
        with pytest.raises(DataError, match="has changed since study mine was made on it"):
            gather(candidate, version(classes='["cup"]', target="a" * 64))
