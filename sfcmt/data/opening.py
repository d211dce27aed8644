"""From an experiment's `data` section to its data set."""

from __future__ import annotations

from pathlib import Path

from filelock import FileLock

from sfcmt.config import DataConfig
from sfcmt.data.dataset import Dataset
from sfcmt.data.schema import MIN_TARGET, Split
from sfcmt.data.synthetic.dataset import RENDERER_VERSION, SyntheticSpec, write_synthetic
from sfcmt.durable import disk_errors
from sfcmt.errors import ConfigError, DataError, Problem
from sfcmt.identity import digest

SYNTHETIC = "synthetic"


def absolute_data(config: DataConfig) -> DataConfig:
    """The same data set from any working directory."""
    if config.folder in (None, SYNTHETIC):
        return config
    return config.model_copy(update={"folder": str(Path(str(config.folder)).expanduser().resolve())})


def open_elsewhere(config: DataConfig, folder: Path, store: Path) -> Dataset:
    """What another process opened from `folder`; the embedded data set may have to be rendered on this machine, too."""
    return open_dataset(config, store) if config.folder == SYNTHETIC else Dataset(folder)


def open_dataset(config: DataConfig, store: Path) -> Dataset:
    """Open the data set that an experiment names; the embedded one is rendered into the store at first use.

    Raises `ConfigError` if none is named, `DataError` if there is none in the folder, or too few target images.
    """
    if config.folder is None:
        raise ConfigError([Problem("data.folder", None, f"an imported data set (data=FOLDER), or {SYNTHETIC}")])
    if config.folder != SYNTHETIC:
        dataset = Dataset(Path(config.folder).expanduser())
        if (rows := dataset.manifest.entry(Split.TARGET).rows) < MIN_TARGET:
            raise DataError(f"{dataset.folder}: {rows} target image; training needs at least {MIN_TARGET}")
        return dataset
    spec = SyntheticSpec()
    folder = store / "data" / f"{SYNTHETIC}-{digest([RENDERER_VERSION, spec.model_dump()])}"
    if not folder.exists():
        with disk_errors(folder):
            folder.parent.mkdir(parents=True, exist_ok=True)
            with FileLock(folder.with_suffix(".lock")):
                if not folder.exists():
                    write_synthetic(folder, spec)
    return Dataset(folder)
