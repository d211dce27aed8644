"""Plug-in points: a package of small files, each registering one member under a name."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Iterator, Mapping
from typing import TypeVar

from sfcmt.errors import UnknownNameError

T = TypeVar("T")


class Registry(Mapping[str, T]):
    """The members of one plug-in point, by name.

    The modules of `package` are imported at first use, so that adding a file there is all it takes to add a member.
    """

    def __init__(self, kind: str, package: str) -> None:
        self.kind = kind
        self._package = package
        self._members: dict[str, T] = {}
        self._loaded = False

    def register(self, name: str) -> Callable[[T], T]:
        """Decorator: add a member under `name`."""

        def add(member: T) -> T:
            assert name not in self._members, f"two {self.kind}s are called {name}"
            self._members[name] = member
            return member

        return add

    def __getitem__(self, name: str) -> T:
        members = self._all()
        if name not in members:
            raise UnknownNameError(self.kind, name, members)
        return members[name]

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and name in self._all()

    def __iter__(self) -> Iterator[str]:
        return iter(sorted(self._all()))

    def __len__(self) -> int:
        return len(self._all())

    def _all(self) -> dict[str, T]:
        if not self._loaded:
            package = importlib.import_module(self._package)
            for module in pkgutil.iter_modules(package.__path__):
                importlib.import_module(f"{self._package}.{module.name}")
            self._loaded = True
        return self._members
