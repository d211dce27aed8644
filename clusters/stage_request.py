"""What to train, as a value that means the same in every process and on every node."""

from __future__ import annotations

from dataclasses import dataclass

from sfcmt.config import Runtime
from sfcmt.data.opening import open_elsewhere
from sfcmt.recipe import Recipe
from sfcmt.storage import absolute_store, local_folder


@dataclass(frozen=True)
class StageRequest:
    """A recipe, and the runtime to train it with."""

    sent: Recipe
    """With the data set where the request was made."""
    runtime: Runtime

    @staticmethod
    def of(recipe: Recipe, runtime: Runtime) -> StageRequest:
        """Ask for a recipe. One thread for each CPU, unless the runtime says otherwise."""
        own = runtime.model_copy(update={"store": absolute_store(runtime.store), "threads": runtime.worker_threads})
        return StageRequest(recipe.on(recipe.dataset.at(recipe.dataset.folder.resolve())), own)

    def recipe(self) -> Recipe:
        """The recipe, in this process."""
        folder = self.sent.dataset.folder
        dataset = open_elsewhere(self.sent.data, folder, local_folder(self.runtime.store))
        return self.sent.on(dataset.of_task(self.sent.dataset.classes))
