"""Which room may import, or name, what. Read from the source code, so that no path can be missed."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

import sfcmt

PACKAGE = Path(sfcmt.__file__).parent
FILES = {path.relative_to(PACKAGE).as_posix(): path for path in sorted(PACKAGE.rglob("*.py"))}
ROOMS = ("clusters", "tuning", "reports")
MODULES = {
    ".".join(["sfcmt", *room, *path.relative_to(folder).with_suffix("").parts]).removesuffix(".__init__"): path
    for room, folder in [((), PACKAGE), *(((name,), (PACKAGE / name).resolve()) for name in ROOMS)]
    for path in sorted(folder.rglob("*.py"))
}
"""All of ours, by the names that they are imported by."""
FORMAT = ("part_file", "schema", "manifest", "writer", "dataset", "inspect")
MAY_NAME_SEALED = (
    "evaluation/",
    "data/importers/",
    "data/frames.py",
    "testing/importers.py",
    *(f"data/{name}.py" for name in FORMAT),
)


def tree(name: str) -> ast.Module:
    return ast.parse(FILES[name].read_text())


def names(module: ast.Module) -> Iterator[str]:
    """All identifiers and strings but docstrings' words: imports, names, attributes, constants."""
    for node in ast.walk(module):
        match node:
            case ast.Name(id=name) | ast.Attribute(attr=name) | ast.alias(name=name):
                yield name
            case ast.Constant(value=str(text)) if " " not in text:
                yield text


def imports(module: ast.Module) -> Iterator[str]:
    for node in ast.walk(module):
        match node:
            case ast.Import(names=aliases):
                yield from (alias.name for alias in aliases)
            case ast.ImportFrom(module=str(package), names=aliases):
                yield package
                yield from (f"{package}.{alias.name}" for alias in aliases)


def test_the_walk_sees_what_it_looks_for() -> None:
    module = ast.parse("from sfcmt.data.schema import Sealed as S\nimport ray.tune\nx = schema.Sealed")
    assert list(names(module)).count("Sealed") == 2
    assert "ray.tune" in set(imports(module))
    assert "Sealed" in set(names(tree("data/schema.py")))


@pytest.mark.parametrize("name", [name for name in FILES if not name.startswith(MAY_NAME_SEALED)])
def test_sealed_parts_are_named_by_evaluation_and_the_data_format_only(name: str) -> None:
    found = set(names(tree(name)))
    assert "Sealed" not in found
    assert not any("sealed/" in text or "target_labels" in text for text in found)


@pytest.mark.parametrize("room", ["stages", "validators", "losses", "models", "pseudo_labels", "data"])
def test_nothing_that_trains_or_chooses_imports_evaluation(room: str) -> None:
    files = [name for name in FILES if name.startswith(f"{room}/")]
    assert files
    for name in files:
        assert not any(package.startswith("sfcmt.evaluation") for package in imports(tree(name))), name


def needs(module: str) -> set[str]:
    """The modules of ours that a module imports anywhere in its file, also for types only."""
    found = imports(ast.parse(MODULES[module].read_text()))
    return {name for name in found if name in MODULES and name != module}


def test_no_module_imports_one_that_needs_it() -> None:
    assert "sfcmt.stages.method" in needs("sfcmt.recipes")
    assert "sfcmt.tuning.search.study" in needs("sfcmt.tuning.search.verbs")
    try:
        TopologicalSorter({module: needs(module) for module in MODULES}).prepare()
    except CycleError as error:
        pytest.fail(" -> ".join(error.args[1]))


@pytest.mark.parametrize("name", [name for name in FILES if name != "__init__.py"])  # which lists what is public
def test_the_method_imports_none_of_the_rooms_above_it(name: str) -> None:
    above = ("sfcmt.tuning", "sfcmt.clusters", "sfcmt.reports", "ray", "mlflow", "optuna", "tests")
    assert not [package for package in imports(tree(name)) if f"{package}.".startswith(tuple(f"{it}." for it in above))]


def test_only_the_source_stage_reads_source_images() -> None:
    readers = {name for name in FILES if "SourceData" in set(names(tree(name)))}
    assert readers - {"stages/source.py", "data/batches.py"} == set()
