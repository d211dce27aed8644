"""The acceptance run for GPUs, in small on a CPU: all of it runs, says what is wrong, and skips what it cannot do."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
import torch

from benchmarks.gpu import losses
from benchmarks.gpu.__main__ import SECTIONS, main
from benchmarks.gpu.bench import near
from benchmarks.gpu.wheels import use_wheels

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[1]
SMALL = ["--tiny", "--device", "cpu", "--minutes", "60"]
WITHOUT_MORE = """
import sys
class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {"pydantic", "pyarrow", "safetensors"}:
            raise ModuleNotFoundError(name, name=name)
sys.meta_path.insert(0, Absent())
from benchmarks.gpu.__main__ import main
raise SystemExit(main(sys.argv[1:]))
"""


def verdicts(output: str) -> list[str]:
    """Of the rows, without the title and the last line."""
    return [line.split()[-1] for line in output.splitlines()[1:-1]]


def test_speed_is_measured_and_losses_and_networks_are_right(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*SMALL, "--only", "card", "losses", "networks", "step", "loader"]) == 0
    output = capsys.readouterr().out
    assert output.splitlines()[-1] == "14 ok, 0 wrong, 0 skipped"
    for found in ("TFLOP/s", "GB/s", "ms a step", "roofline", "images/s"):
        assert found in output


@pytest.mark.long
def test_everything_is_right() -> None:
    command = [sys.executable, "-m", "benchmarks.gpu", *SMALL]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.splitlines()[-1].endswith(" ok, 0 wrong, 1 skipped")  # there is nothing to gain by compiling
    assert {line.split()[0] for line in done.stdout.splitlines()[1:-1]} == set(SECTIONS)


def test_what_needs_more_than_torch_and_timm_is_skipped_by_name() -> None:
    command = [sys.executable, "-c", WITHOUT_MORE, *SMALL, "--only", "losses", "methods", "step", "loader", "trials"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert verdicts(done.stdout) == ["ok"] * len(losses._LOSSES) + ["ok"] + ["skipped"] * 4
    assert "needs pydantic" in done.stdout


def test_what_is_wrong_is_said_and_is_the_exit_code(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def rows(bench: object) -> object:
        yield near("far off", torch.ones(1), torch.zeros(1) + 2, 0.1)
        raise RuntimeError("CUDA out of memory\nand much more")

    monkeypatch.setattr(losses, "rows", rows)
    assert main([*SMALL, "--only", "losses"]) == 1
    output = capsys.readouterr().out
    assert verdicts(output) == ["WRONG", "WRONG"]
    assert "RuntimeError: CUDA out of memory " in output


def test_time_that_is_up_and_a_missing_gpu(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--tiny", "--device", "cpu", "--minutes", "0"]) == 0
    assert verdicts(capsys.readouterr().out) == ["skipped"] * len(SECTIONS)
    if not torch.cuda.is_available():
        assert main([]) == 2
        assert "no GPU" in capsys.readouterr().err


def test_wheels_add_what_is_missing_and_replace_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("torch", "absent_package"):
        with zipfile.ZipFile(tmp_path / f"{name}-1.0-py3-none-any.whl", "w") as wheel:
            wheel.writestr(f"{name}/__init__.py", f"NAME = '{name}'\n")
            wheel.writestr(f"{name}-1.0.dist-info/METADATA", f"Name: {name}\n")
    monkeypatch.setattr(sys, "path", [*sys.path])
    monkeypatch.setenv("PYTHONPATH", "before")
    use_wheels(tmp_path)
    import absent_package  # type: ignore[import-not-found]

    assert absent_package.NAME == "absent_package"
    assert os.environ["PYTHONPATH"] == f"before{os.pathsep}{sys.path[-1]}"
    assert [path.name for path in Path(sys.path[-1]).iterdir() if path.name.startswith("torch")] == []
