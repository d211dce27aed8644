"""What an ablation keeps: under `keep: finished`, nothing of a training that diverged, which would do so again."""

from __future__ import annotations

from collections.abc import Iterable

from sfcmt.errors import OutageError
from sfcmt.garbage import PARTIAL, Piece, remove
from sfcmt.progress.lines import LOGGER
from sfcmt.recipe import Recipe
from sfcmt.store import Store


def let_go_of_diverged(store: Store, study: str, recipes: Iterable[Recipe], identity: str) -> None:
    """End a study's uses of the stage of that identity, and of what stands on it; remove what it alone has left."""
    lost = {one.folder_name: one for recipe in recipes for one in recipe.with_upstream() if one.stands_on(identity)}
    try:
        for name in lost:
            store.uses.drop(name, study)
        list(remove(store, [Piece(PARTIAL, name, 0) for name in lost]))
    except OutageError as error:  # room that cannot be made now must not stop a study
        LOGGER.warning(f"{error}; what can be removed stays for now: sfcmt gc")
