"""Ablation specs: every mistake is told before anything is allocated."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from sfcmt.errors import ConfigError, Problem
from sfcmt.tuning.ablation.spec import CheckedAblation, load_ablation

FACTORS = {
    "domain": {"bridge.alpha_d": 0},
    "infomax": {"bridge.alpha_im": 0},
    "self": {"transfer.beta_self": 0},
}


def load(folder: Path, **raw: Any) -> CheckedAblation:
    """A spec, given what is not usual."""
    path = folder / "mine.yaml"
    usual = {"experiment": "demo", "design": "leave_one_out", "factors": FACTORS}
    method = [] if "experiment" in raw else ["method=tgkt"]  # whose bridge the usual factors change
    path.write_text(yaml.safe_dump(usual | raw | {"set": [*method, *raw.get("set", [])]}, sort_keys=False))
    return load_ablation(str(path))


def problems(folder: Path, **raw: Any) -> dict[str, Problem]:
    """What a spec's problems are, by path."""
    with pytest.raises(ConfigError) as caught:
        load(folder, **raw)
    return {problem.path: problem for problem in caught.value.problems}


def test_arms_are_experiments(tmp_path: Path) -> None:
    checked = load(tmp_path, set=["transfer.beta_f=3", "seed=7"])
    assert [arm.name for arm in checked.design.arms] == ["baseline", "no-domain", "no-infomax", "no-self"]
    experiments = [checked.experiment_of(arm) for arm in checked.design.arms]
    assert [one.bridge.alpha_d for one in experiments] == [0.1, 0, 0.1, 0.1]
    assert [one.transfer.beta_self for one in experiments] == [0.3, 0.3, 0.3, 0]
    assert {one.transfer.beta_f for one in experiments} == {3}
    assert list(checked.seeds(3)) == [7, 8, 9]
    assert checked.stopping_rule() is None


def test_alpha_is_shared_by_arms_and_looks(tmp_path: Path) -> None:
    seeds = {"min": 4, "max": 10, "margin": 0.01}
    rule = load(tmp_path, seeds=seeds).stopping_rule()
    assert rule is not None
    assert (rule.looks, rule.alpha, rule.margin) == ((4, 7, 10), 0.05 / 3, 0.01)
    alone = load(tmp_path, seeds=seeds, test={"correction": "none"}).stopping_rule()
    assert alone is not None
    assert alone.alpha == 0.05


def test_a_sweep_may_name_the_experiments_own_value(tmp_path: Path) -> None:
    factors = {"f": {"transfer.beta_f": [1, 10, 100]}, "self": {"transfer.beta_self": [0, 0.3]}}
    assert [arm.name for arm in load(tmp_path, design="one_at_a_time", factors=factors).design.arms] == [
        "baseline",
        "f=1",
        "f=100",
        "self=0",
    ]
    grid = load(tmp_path, design="grid", factors=factors).design
    assert len(grid.arms) == 6
    assert grid.baseline.levels == {"f": "10", "self": "0.3"}


def test_fractional_with_aliases(tmp_path: Path) -> None:
    design = load(tmp_path, design="fractional", resolution="III").design
    assert (len(design.arms), design.aliases["self"]) == (4, ("-domain:infomax",))


def test_methods_are_arms(tmp_path: Path) -> None:
    methods = ["source_only", "shot"]
    baselines = {"shot": {"beta_self": 0.7}}
    experiment = tmp_path / "own.yaml"
    own = {"method": "tgkt", "transfer": {"epochs": 3, "beta_f": 2}, "baselines": baselines}
    experiment.write_text(yaml.safe_dump(own))
    checked = load(tmp_path, experiment=str(experiment), design="methods", factors={}, methods=methods, oracles=True)
    assert [arm.name for arm in checked.design.arms] == ["tgkt", "source_only", "shot"]
    experiments = [checked.experiment_of(arm) for arm in checked.design.arms]
    assert [one.method for one in experiments] == ["tgkt", "source_only", "shot"]
    assert {one.transfer.epochs for one in experiments} == {3}
    assert (experiments[0].transfer.beta_f, experiments[2].transfer.beta_self) == (2, 0.7)


def test_methods_and_factors_do_not_mix(tmp_path: Path) -> None:
    found = problems(tmp_path, design="methods", methods=["shot", "shot", "tgkt", "none"])
    assert set(found) == {"factors", "methods"}
    assert found["methods"].value == "none"
    assert "shot" in found["methods"].allowed
    assert found["factors"].allowed == "nothing in a methods design"
    assert set(problems(tmp_path, design="methods", factors={})) == {"methods"}
    assert set(problems(tmp_path, factors={})) == {"factors"}
    assert set(problems(tmp_path, methods=["shot"])) == {"methods"}


def test_all_problems_are_told_at_once(tmp_path: Path) -> None:
    found = problems(
        tmp_path,
        design="factorial",
        resolution="III",
        factors={
            "unknown": {"transfer.beta_kll": 0},
            "refused": {"transfer.beta_f": -1},
            "outside": {"data.holdout": 0.2},
            "nothing": {"bridge.alpha_d": 0.1},
            "ragged": {"transfer.beta_f": [1, 2], "transfer.beta_self": [1]},
        },
        nuisance={"space": {"transfer.lr": {"log": [1e-4, 10]}, "transfer.nil": {"uniform": [0, 1]}},
                  "validator": "oracle_accuracy", "pick": "luck"},
        test={"metric": "f1"},
        seeds={"min": 9, "max": 5},
    )  # fmt: skip
    assert {path: problem.value for path, problem in found.items()} == {
        "factors.unknown.transfer.beta_kll": "beta_kll",
        "factors.refused.transfer.beta_f": -1,
        "factors.outside": "data.holdout",
        "factors.nothing": {"bridge.alpha_d": 0.1},
        "factors.ragged": {"transfer.beta_f": [1, 2], "transfer.beta_self": [1]},
        "nuisance.space.transfer.nil": "nil",
        "nuisance.validator": "oracle_accuracy",
        "nuisance.pick": "luck",
        "test.metric": "f1",
        "seeds.min": 9,
    }
    assert "label-free" in found["nuisance.validator"].allowed
    assert "oracle_balanced_accuracy" in found["test.metric"].allowed


def test_problems_of_shape(tmp_path: Path) -> None:
    found = problems(tmp_path, design="halves", factor={}, seeds=1, test={"kind": "z"}, resources={"gpu": 1})
    assert set(found) == {"design", "factor", "seeds", "test.kind", "resources.gpu"}
    assert set(problems(tmp_path, set=["transfer.lr=-1"], factor={})) == {"transfer.lr", "factor"}
    beside = problems(tmp_path, test={"kind": "z", "metric": "f1"}, factors={"nil": {"transfer.nil": 0}})
    assert set(beside) == {"test.kind", "test.metric", "factors.nil.transfer.nil"}
    assert set(problems(tmp_path, seeds={"min": 1, "most": 3})) == {"seeds.min", "seeds.most"}
    assert "factors" in found["factor"].allowed


@pytest.mark.parametrize(
    ("raw", "path", "allowed"),
    [
        ({"design": "fractional"}, "resolution", "III with 3 factors"),
        ({"design": "fractional", "resolution": "V"}, "resolution", "III with 3 factors"),
        ({"resolution": "III"}, "resolution", "unless the design is fractional"),
        ({"design": "grid"}, "factors.domain", "at least two levels"),
        ({"factors": {"f": {"transfer.beta_f": [1, 2]}}}, "factors.f", "a single change"),
        ({"design": "factorial", "test": {"kind": "wilcoxon"}}, "test.kind", "paired_t"),
        ({"design": "factorial", "seeds": {"min": 5, "max": 9}}, "seeds", "a number"),
        ({"seeds": {"min": 5, "max": 9}, "test": {"kind": "wilcoxon"}}, "test.kind", "paired_t"),
        ({"seeds": {"min": 5, "max": 9}, "test": {"correction": "benjamini_hochberg"}}, "test.correction", "holm"),
        ({"factors": {"a": {"transfer.beta_f": 1}, "b": {"transfer.beta_f": 1.0}}}, "factors", "differs from no-a"),
        ({"nuisance": {"space": {"transfer.beta_self": {"uniform": [0, 1]}}}}, "nuisance.space.transfer.beta_self",
         "not scientific"),
        ({"design": "factorial",
          "factors": {"pre": {"source.pretrained": True, "source.backbone": "tf_efficientnet_lite0"},
                      "net": {"source.backbone": "tf_efficientnet_lite0"}}}, "factors.net.source.backbone", "pre"),
        ({"test": {"kind": "paired_permutation"}}, "test.kind", "with 5 it never gets below 0.188 in 3 tests"),
        ({"test": {"kind": "wilcoxon", "correction": "benjamini_hochberg"}}, "test.kind", "below 0.0625 in 1 test"),
        ({"test": {"kind": "paired_bootstrap"}, "seeds": 3}, "test.kind", "with 3 it never gets below 0.333 in 3"),
        ({"experiment": "nowhere"}, "experiment", "demo"),
    ],
)  # fmt: skip
def test_each_problem(tmp_path: Path, raw: dict[str, Any], path: str, allowed: str) -> None:
    assert allowed in problems(tmp_path, **raw)[path].allowed


def test_enough_seeds_for_signs(tmp_path: Path) -> None:
    load(tmp_path, seeds=7, test={"kind": "paired_permutation"})  # 3 / 64 < 0.05
    load(tmp_path, seeds=6, test={"kind": "wilcoxon", "correction": "none"})  # 1 / 32


def test_values_that_only_together_are_refused(tmp_path: Path) -> None:
    """`small` has no pretrained weights: neither change is wrong by itself."""
    factors = {"small": {"source.backbone": "small"}, "weights": {"source.pretrained": True}}
    found = problems(
        tmp_path, design="factorial", factors=factors, set=["source.backbone=resnet18", "source.pretrained=false"]
    )
    assert list(found) == ["arm small+weights: source.pretrained"]


def test_what_the_method_does_not_train_changes_nothing(tmp_path: Path) -> None:
    (tmp_path / "own.yaml").write_text("{method: shot, data: {folder: synthetic}}")
    found = problems(tmp_path, experiment=str(tmp_path / "own.yaml"), factors={"domain": {"bridge.alpha_d": 0}})
    assert list(found) == ["factors.domain"]


def test_no_file(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="YAML"):
        load_ablation(str(tmp_path / "none.yaml"))
