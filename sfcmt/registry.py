"""Plug-in points: a package of small files, each registering one member under the file's name."""

from __future__ import annotations

import ast
import importlib
import importlib.util
import pkgutil
from collections.abc import Callable, Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import TypeVar

from sfcmt.errors import UnknownNameError

T = TypeVar("T")


class Registry(Mapping[str, T]):
    """The members of one plug-in point, by name.

    Adding a file to `package` is all it takes to add a member. A file is imported when its member is first asked for:
    most import torch, and a command that only names them need not wait for that.
    """

    def __init__(self, kind: str, package: str) -> None:
        self.kind = kind
        self._package = package
        self._members: dict[str, T] = {}

    def register(self, name: str) -> Callable[[T], T]:
        """Decorator: add a member under `name`."""

        def add(member: T) -> T:
            assert name not in self._members, f"two {self.kind}s are called {name}"
            self._members[name] = member
            return member

        return add

    def summary(self, name: str) -> str:
        """What a member is, in one line: the first of its file's docstring, which is read without importing it."""
        if name not in self._files:
            return (self[name].__doc__ or "").split("\n", 1)[0]
        documented = ast.get_docstring(ast.parse(self._files[name].read_text()))
        return (documented or "").split("\n", 1)[0]

    def __getitem__(self, name: str) -> T:
        if name not in self._members:
            if name not in self._files:
                raise UnknownNameError(self.kind, name, self)
            importlib.import_module(f"{self._package}.{name}")
            assert name in self._members, f"{self._files[name]} registers no {self.kind} called {name}"
        return self._members[name]

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and (name in self._members or name in self._files)

    def __iter__(self) -> Iterator[str]:
        return iter(sorted({*self._members, *self._files}))

    def __len__(self) -> int:
        return len(list(iter(self)))

    @cached_property
    def _files(self) -> dict[str, Path]:
        """The package's modules, by name."""
        package = importlib.util.find_spec(self._package)
        assert package is not None, self._package
        folders = list(package.submodule_search_locations or ())
        modules = [module for module in pkgutil.iter_modules(folders) if not module.ispkg]
        return {module.name: Path(module.module_finder.path) / f"{module.name}.py" for module in modules}  # type: ignore[union-attr]
