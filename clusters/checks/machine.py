"""The facts that one machine reports of itself."""

from __future__ import annotations

import importlib
import platform
import shutil
import subprocess
import tempfile
import uuid
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path
from urllib.error import HTTPError
from urllib.parse import urlsplit
from urllib.request import urlopen

from sfcmt.errors import SfcmtError
from sfcmt.storage import Storage, is_remote, local_folder

PACKAGES = ("sfcmt", "torch", "torchvision", "ray", "optuna", "mlflow", "pyarrow", "numpy")
_SECONDS = 5.0


@dataclass(frozen=True)
class MachineReport:
    """What one machine has and can reach; what it cannot is said in words. Sizes are in GiB."""

    machine: str
    versions: dict[str, str]
    """Of Python and of what matters for results."""
    unmet: tuple[str, ...]
    """Requirements of sfcmt that the installed packages do not meet."""
    cuda: str | None
    """The version that torch is built for."""
    gpus: tuple[str, ...]
    """What the driver of NVIDIA lists."""
    mps: bool | None
    """Whether NVIDIA's MPS runs, which lets processes compute on one GPU side by side; None if it is not installed."""
    torchvision: str | None
    free_disk: dict[str, float]
    free_memory: float | None
    store: str | None
    tracking: str
    """Where MLflow's runs go; empty if that was not looked at."""
    mlflow: str | None


def examine(machine: str, store: str, tracking: str, marker: Path | None = None) -> MachineReport:
    """Look at this machine. `marker` is a file that another machine has put beside the store.

    MLflow is not looked at if `tracking` is empty.
    """
    import torch

    folders = {str(nearest_folder(local_folder(store))), tempfile.gettempdir()}
    return MachineReport(
        machine=machine,
        versions={"python": platform.python_version()} | dict(_versions()),
        unmet=tuple(unmet(requires("sfcmt") or ())),
        cuda=torch.version.cuda,
        gpus=_gpus(),
        mps=_mps(),
        torchvision=torchvision_problem(),
        free_disk={folder: shutil.disk_usage(folder).free / 2**30 for folder in sorted(folders)},
        free_memory=_free_memory(),
        store=store_problem(store, marker),
        tracking=without_password(tracking),
        mlflow=mlflow_problem(tracking) if tracking else None,
    )


def store_problem(store: str, marker: Path | None = None) -> str | None:
    """Why the store cannot be written from here, or is another one than where `marker` was put."""
    if is_remote(store):
        try:
            Storage(store).check()
        except SfcmtError as error:
            return str(error)
        return None
    probe = nearest_folder(local_folder(store)) / f".sfcmt-probe-{uuid.uuid4().hex}"
    try:
        probe.touch()
        probe.unlink()
    except OSError as error:
        return f"{store}: cannot be written: {error.strerror}"
    return f"{store}: is another folder here than at the driver" if marker and not marker.exists() else None


def mlflow_problem(tracking: str) -> str | None:
    """Why MLflow cannot be reached at its tracking URI from here; only servers and files are looked at."""
    parts = urlsplit(tracking)
    if parts.scheme in ("sqlite", "file", ""):
        path = parts.path.removeprefix("/") if parts.scheme == "sqlite" else parts.path
        return store_problem(str(Path(path).parent))
    if parts.scheme not in ("http", "https"):
        return None
    try:
        with urlopen(f"{without_password(tracking).rstrip('/')}/health", timeout=_SECONDS):  # noqa: S310
            return None
    except HTTPError as error:
        return f"{without_password(tracking)}: answers {error.code} {error.reason}"
    except OSError as error:
        return f"{without_password(tracking)}: cannot be reached: {error}"


def without_password(uri: str) -> str:
    """A URI that may be shown."""
    parts = urlsplit(uri)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl() if "@" in parts.netloc else uri


def nearest_folder(path: Path) -> Path:
    """The path itself, or the first of its parents that exists."""
    return next(folder for folder in (path.absolute(), *path.absolute().parents) if folder.exists())


def _versions() -> Iterator[tuple[str, str]]:
    for name in PACKAGES:
        try:
            yield name, version(name)
        except PackageNotFoundError:
            yield name, "missing"


def unmet(requirements: Iterable[str]) -> Iterator[str]:
    """Which of the requirements, as a package states them, the installed packages do not meet."""
    from packaging.requirements import Requirement

    for requirement in map(Requirement, requirements):
        if requirement.marker and not requirement.marker.evaluate({"extra": "tuning"}):
            continue
        try:
            installed = version(requirement.name)
        except PackageNotFoundError:
            yield f"{requirement.name} is missing"
            continue
        if not requirement.specifier.contains(installed, prereleases=True):
            yield f"{requirement.name} {installed} is not {requirement.specifier}"


def _gpus() -> tuple[str, ...]:
    command = shutil.which("nvidia-smi")
    if command is None:
        return ()
    listed = subprocess.run([command, "--list-gpus"], capture_output=True, text=True, errors="replace", check=False)
    return tuple(line.partition(" (UUID")[0] for line in listed.stdout.splitlines() if line.startswith("GPU "))


def _mps() -> bool | None:
    control = shutil.which("nvidia-cuda-mps-control")
    if control is None:
        return None
    asked = subprocess.run(
        [control], input="get_server_list\n", capture_output=True, text=True, check=False, timeout=_SECONDS
    )
    return asked.returncode == 0


def torchvision_problem() -> str | None:
    """Why torchvision cannot be imported beside this build of torch."""
    try:
        importlib.import_module("sfcmt.models.compat")
        importlib.import_module("torchvision.transforms.v2")
    except (ImportError, OSError, RuntimeError) as error:
        return f"cannot be imported: {next(iter(str(error).splitlines()), type(error).__name__)}"
    return None


def _free_memory() -> float | None:
    """What new processes may take; known on Linux only."""
    try:
        lines = Path("/proc/meminfo").read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return None
    kibibytes = dict(line.split(":") for line in lines)["MemAvailable"].removesuffix(" kB")
    return int(kibibytes) / 2**20
