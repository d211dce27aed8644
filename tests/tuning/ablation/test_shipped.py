"""The shipped ablations, and the schema that editors check them by."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema  # type: ignore[import-untyped]
import pytest
import yaml

from sfcmt.tuning.ablation.spec import AblationSpec, load_ablation
from sfcmt.tuning.kinds import StudyKind
from sfcmt.tuning.search.verbs import schema as print_schema

FOLDER = Path(__file__).parents[3] / "tuning" / "ablations"
SHIPPED = sorted(FOLDER.glob("*.yaml"))


def test_they_are_all_here() -> None:
    assert len(SHIPPED) == 11


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_each_is_valid_and_opens_with_its_command(path: Path, tmp_path: Path) -> None:
    checked = load_ablation(str(path), (f"data={tmp_path}",))
    assert checked.experiment.data.folder == str(tmp_path)
    text = path.read_text()
    assert text.startswith(f"# sfcmt ablate tuning/ablations/{path.name}")
    assert "# Expected: " in text or "# Measured" in text
    assert "Time: " in text


def test_demo_is_a_factorial_of_four() -> None:
    assert len(load_ablation(str(FOLDER / "demo-factorial.yaml")).design.arms) == 2**4


class TestSchema:
    @pytest.fixture
    def schema(self, capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
        print_schema(StudyKind.ABLATION)
        found: dict[str, Any] = json.loads(capsys.readouterr().out)
        jsonschema.Draft202012Validator.check_schema(found)
        return found

    def test_has_the_specs_fields(self, schema: dict[str, Any]) -> None:
        assert set(schema["properties"]) == set(AblationSpec.model_fields)
        assert schema["required"] == ["experiment", "design"]

    def test_accepts_what_is_shipped_and_refuses_what_is_wrong(self, schema: dict[str, Any]) -> None:
        for path in SHIPPED:
            jsonschema.validate(yaml.safe_load(path.read_text()), schema)
        spec = yaml.safe_load(SHIPPED[0].read_text())
        jsonschema.validate(spec | {"seeds": {"min": 3, "max": 9}}, schema)
        mistakes: list[dict[str, Any]] = [
            {"seeds": 1},
            {"design": "halves"},
            {"factors": {"a": 1}},
            {"test": {"kind": "z"}},
        ]
        for wrong in mistakes:
            with pytest.raises(jsonschema.ValidationError):
                jsonschema.validate(spec | wrong, schema)
