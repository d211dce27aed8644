"""Audits of a store's models, as far as a search has to know of them: whether labels were seen of any of its models.

STORE/audits/IDENTITY/
  audit.json      what is audited, which target images were drawn, and the seal of what is complete
  answers.jsonl   a line for each label
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any

from sfcmt.durable import disk_errors
from sfcmt.store import Store

AUDITS, RECORD, ANSWERS = "audits", "audit.json", "answers.jsonl"


def audits_of(store: Store, transfers: Collection[str]) -> Iterator[Path]:
    """Folders of the audits that were made of any of these transfers."""
    for name in _names(store):
        folder = fetched(store, name)
        if _audited(folder / RECORD) & set(transfers):
            yield folder


def were_labelled(store: Store, transfers: Collection[str]) -> bool:
    """Whether somebody has labelled target images to audit one of these transfers."""
    return any((folder / ANSWERS).is_file() for folder in audits_of(store, transfers))


def audited_ids(store: Store, target: str) -> set[str]:
    """Ids of the target images of this digest that the audits of a store have drawn."""
    records = (_read(fetched(store, name) / RECORD) for name in _names(store))
    return {id_ for one in records if one.get("data", {}).get("target") == target for id_ in one.get("ids", ())}


def fetched(store: Store, name: str) -> Path:
    """The folder of an audit; of one on an object store, what this machine lacks of it is fetched."""
    folder = store.root / AUDITS / name
    if store.remote:
        for file in (RECORD, ANSWERS):
            if not (folder / file).is_file() and store.remote.exists(f"{AUDITS}/{name}/{file}"):
                store.remote.get(f"{AUDITS}/{name}/{file}", folder / file)
    return folder


def _audited(record: Path) -> set[str]:
    return {model["transfer"] for model in _read(record).get("models", ())}


def _read(record: Path) -> dict[str, Any]:
    """What a record says; nothing of a damaged one, which whoever opens it is told of."""
    try:
        return dict(json.loads(record.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return {}


def _names(store: Store) -> list[str]:
    folder = store.root / AUDITS
    with disk_errors(folder):
        here = {path.name for path in folder.iterdir()} if folder.is_dir() else set()
    return sorted(here | set(store.remote.names(AUDITS) if store.remote else ()))
