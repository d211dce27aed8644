"""What keeps two versions from being compared."""

from __future__ import annotations

from mlflow.entities.model_registry import ModelVersion, ModelVersionTag

from sfcmt.reports.registry.candidate import CLASSES, TARGET
from sfcmt.reports.registry.comparison import obstacles


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
