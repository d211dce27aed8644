"""What is installed is one package, which works wherever a user's own folders have the names of our rooms."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import pytest
import yaml

from tests.patience import PATIENCE
from tests.tuning.search.test_end_to_end import LEAN, Workplace

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[1]
IMPORTED = "a decoy was imported"
DECOYS = ("tuning", "clusters", "reports", "tests", "benchmarks")


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of this checkout."""
    folder = tmp_path_factory.mktemp("wheel")
    options = ["--no-deps", "--no-build-isolation", "--quiet", "--wheel-dir", str(folder)]
    subprocess.run([sys.executable, "-m", "pip", "wheel", *options, str(ROOT)], check=True, timeout=PATIENCE)
    (found,) = folder.glob("sfcmt-*.whl")
    return found


@pytest.fixture(scope="session")
def python(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Python with the wheel, and what it needs from where this one has it."""
    folder = tmp_path_factory.mktemp("environment")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder)], check=True)
    python = folder / "bin" / "python"
    install = [sys.executable, "-m", "pip", "--python", str(python), "install", "--quiet", "--no-deps", str(wheel)]
    subprocess.run(install, check=True, timeout=PATIENCE)
    (site,) = folder.glob("lib/python*/site-packages")
    (site / "needed.pth").write_text(f"{sysconfig.get_path('purelib')}\n")  # of which no .pth file is read
    return python


def test_nothing_but_the_package_is_in_it(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
    assert {name.partition("/")[0].split("-")[0] for name in names} == {"sfcmt"}
    assert {"sfcmt/tuning/search/run.py", "sfcmt/clusters/local/up.sh", "sfcmt/frozen_defaults.yaml"} <= set(names)


def test_all_verbs_are_there_where_folders_have_the_names_of_our_rooms(python: Path, tmp_path: Path) -> None:
    make_decoys(tmp_path)
    command = [str(python), "-m", "sfcmt", "--help"]
    done = subprocess.run(command, check=False, cwd=tmp_path, env=without_path(), capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert {"tune", "submit", "report", "source", "export"} <= set(done.stdout.replace("│", " ").split())


@pytest.mark.long
@pytest.mark.parametrize("place", ["decoys", "empty", "checkout"])
def test_it_works_from(place: str, python: Path, tiny_data: Path, tmp_path: Path) -> None:
    """A search, whose trials run in Ray's workers."""
    work = Workplace(tmp_path / "specs", tiny_data, LEAN | {"search": {"trials": 1}, "scheduler": {}})
    experiment, spec = work.folder / "tiny.yaml", work.folder / "hunt.yaml"
    spec.write_text(yaml.safe_dump(yaml.safe_load(spec.read_text()) | {"experiment": str(experiment)}))
    folder = tmp_path / place
    if place == "checkout":
        subprocess.run(["git", "clone", "--quiet", str(ROOT), str(folder)], check=True)
    folder.mkdir(exist_ok=True)
    if place == "decoys":
        make_decoys(folder)
    environment = without_path() | {"MLFLOW_TRACKING_URI": work.uri}
    command = [str(python), "-m", "sfcmt", "tune", str(spec), f"runtime.store={tmp_path}/store"]
    done = subprocess.run(
        command, check=False, cwd=folder, env=environment, capture_output=True, text=True, timeout=PATIENCE
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert IMPORTED not in done.stdout + done.stderr


def make_decoys(folder: Path) -> None:
    """Packages that end whoever imports them."""
    for name in DECOYS:
        (folder / name).mkdir()
        (folder / name / "__init__.py").write_text(f"raise SystemExit({IMPORTED!r})\n")


def without_path() -> dict[str, str]:
    """The variables without one that would find this checkout."""
    return {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
