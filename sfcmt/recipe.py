"""A recipe: what one artifact is made from, by which code, with which settings. Its digest names the artifact."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, TypeVar

from sfcmt.config import DataConfig, Section
from sfcmt.data.dataset import Dataset
from sfcmt.data.schema import Split
from sfcmt.identity import digest, sparse, versions

S = TypeVar("S", bound=Section)


@dataclass(frozen=True, eq=False)
class Recipe:
    """The description of one training and its result. Cheap to make: of the data only the manifest is read."""

    kind: str
    """What sort of artifact it makes: `source`, `bridge`, `transfer`, or an oracle's."""
    name: str
    """What it is called in progress and tracking: the method of a transfer, the kind of all others."""
    trained_by: str
    """`module:function`; the function takes a `Workspace`, writes its files, and returns metrics by name."""
    parts: tuple[str, ...]
    """Modules whose code the result rests on."""
    config: Section
    """All settings of the training."""
    preset: str
    """Whose frozen defaults the config is held against."""
    data: DataConfig
    dataset: Dataset
    reads: tuple[Split, ...]
    """The only parts of the data set that the training opens."""
    seed: int
    upstream: tuple[Recipe, ...] = ()
    """What it starts from."""
    trains: bool = True
    """Whether it has epochs; what has none has no settings that count."""
    translator: str | None = None
    """The fixed translator, if any, through which it sees target images; or `auto`, where it stands on a choice."""
    more: Mapping[str, Any] = field(default_factory=dict)
    """What else can change the result, as JSON values."""

    @cached_property
    def document(self) -> dict[str, Any]:
        """All that can change the result, as a JSON document."""
        return {
            "kind": self.kind,
            "name": self.name,
            "versions": versions([self.trained_by.partition(":")[0], *self.parts]),
            "seed": self.seed,
            "config": sparse(self.config, self.preset) if self.trains else {},
            "data": {"digest": self.dataset.digest(*self.reads), **sparse(self.data, "data")},
            "upstream": {recipe.name: recipe.identity for recipe in self.upstream},
            **({"translator": self.translator} if self.translator else {}),
            **self.more,
        }

    @property
    def tree(self) -> dict[str, Any]:
        """The document, with those of what it starts from in place of their identities: for people who compare two."""
        return self.document | {"upstream": {recipe.name: recipe.tree for recipe in self.upstream}}

    @cached_property
    def identity(self) -> str:
        """Digest of the document."""
        return digest(self.document)

    @property
    def all_parts(self) -> set[str]:
        """The modules whose versions are in it, or in what it stands on."""
        own = {self.trained_by.partition(":")[0], *self.parts}
        return own.union(*(recipe.all_parts for recipe in self.upstream))

    @property
    def size(self) -> int:
        """Height and width of its images."""
        assert self.data.size, "filled in by whoever makes a recipe"
        return self.data.size

    @property
    def folder_name(self) -> str:
        """What the artifact's folder is called."""
        return f"{self.kind}-{self.identity}"

    def settings(self, kind: type[S]) -> S:
        """The config, which is of this type."""
        assert isinstance(self.config, kind), f"{self.name} has a {type(self.config).__name__}"
        return self.config

    def needed(self, kind: str, name: str | None = None) -> Recipe:
        """The upstream recipe of a kind; where there are several, of that name."""
        found = [recipe for recipe in self.upstream if (recipe.kind, recipe.name) == (kind, name or kind)]
        assert len(found) == 1, f"{self.name} stands on {len(found)} recipes of kind {kind}"
        return found[0]

    def with_upstream(self) -> Iterator[Recipe]:
        """Itself, and all that it stands on; what several stand on comes more than once."""
        yield self
        for recipe in self.upstream:
            yield from recipe.with_upstream()

    def stands_on(self, identity: str) -> bool:
        """Whether it is the recipe of that identity, or needs it."""
        return any(recipe.identity == identity for recipe in self.with_upstream())

    def on(self, dataset: Dataset) -> Recipe:
        """The same recipe where the data set is in another place."""
        return replace(self, dataset=dataset, upstream=tuple(recipe.on(dataset) for recipe in self.upstream))
