"""Empty MLflow databases: made once, which takes seconds, then copied."""

from __future__ import annotations

import shutil
import tempfile
from functools import lru_cache
from pathlib import Path


def new_database(folder: Path) -> str:
    """URI of an empty tracking database in `folder`."""
    path = folder / "tracking.db"
    shutil.copyfile(Path(_template().name) / "empty.db", path)
    return f"sqlite:///{path}"


@lru_cache(maxsize=1)
def _template() -> tempfile.TemporaryDirectory[str]:
    from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore  # takes seconds

    folder = tempfile.TemporaryDirectory()
    SqlAlchemyStore(f"sqlite:///{folder.name}/empty.db", folder.name).engine.dispose()
    return folder
