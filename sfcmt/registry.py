"""Plug-in points: a package of small files, each registering one member under the file's name.

A member of somebody else's package is found by an entry point of the group `sfcmt.POINT`, such as `sfcmt.methods`: its
value is a module that registers a member under the entry point's name.
"""

from __future__ import annotations

import ast
import importlib
import importlib.util
import pkgutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property
from importlib.metadata import entry_points
from pathlib import Path
from typing import TypeVar

from sfcmt.errors import SfcmtError, UnknownNameError

T = TypeVar("T")


class PluginError(SfcmtError):
    """A plug-in of another package cannot be used."""


class Registry(Mapping[str, T]):
    """The members of one plug-in point, by name.

    Adding a file to `package` is all it takes to add a member. A file is imported when its member is first asked for:
    most import torch, and a command that only names them need not wait for that. No other package may use one of our
    names, of which some, `reserved`, are of no file.
    """

    def __init__(self, kind: str, package: str, reserved: Sequence[str] = ()) -> None:
        self.kind = kind
        self._package, self._reserved = package, reserved
        self._members: dict[str, T] = {}

    @property
    def group(self) -> str:
        """The group of entry points by which other packages add members."""
        return f"sfcmt.{self.kind.rpartition('.')[2].replace(' ', '_')}s"

    def register(self, name: str) -> Callable[[T], T]:
        """Decorator: add a member under `name`."""

        def add(member: T) -> T:
            assert name not in self._members, f"two {self.kind}s are called {name}"
            self._members[name] = member
            return member

        return add

    def summary(self, name: str) -> str:
        """What a member is, in one line: the first of its file's docstring, which is read without importing it.

        Raises `PluginError`.
        """
        if name not in self._modules:
            return (self[name].__doc__ or "").split("\n", 1)[0]
        module = self.module(name)
        try:
            documented = ast.get_docstring(ast.parse(_file(module).read_bytes()))
        except SyntaxError as error:
            raise PluginError(f"{module}: {error}") from error
        return (documented or "").split("\n", 1)[0]

    def module(self, name: str) -> str:
        """The module that registers a member, which is there. Raises `UnknownNameError`, `PluginError`."""
        if name not in self._modules:
            raise UnknownNameError(self.kind, name, self)
        modules = self._modules[name]
        if len(modules) > 1 or (name in self._reserved):
            raise PluginError(f"{modules[-1]}: {name} is the name of another {self.kind} already")
        if _origin(modules[0]) is None:
            raise PluginError(f"{modules[0]}: no such module, though it is said to be the {self.kind} {name}")
        return modules[0]

    def __getitem__(self, name: str) -> T:
        if name not in self._members:
            module = self.module(name)
            try:
                importlib.import_module(module)
            except (ImportError, SyntaxError) as error:
                raise PluginError(f"{module}: cannot be imported ({error})") from error
            if name not in self._members:
                raise PluginError(f"{module}: registers no {self.kind} called {name}")
        return self._members[name]

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and (name in self._members or name in self._modules)

    def __iter__(self) -> Iterator[str]:
        return iter(sorted({*self._members, *self._modules}))

    def __len__(self) -> int:
        return len(list(iter(self)))

    @cached_property
    def _modules(self) -> dict[str, list[str]]:
        """The modules that are said to register each name: one of the package, and those that other packages add."""
        package = importlib.util.find_spec(self._package)
        assert package is not None, self._package
        folders = list(package.submodule_search_locations or ())
        own = {one.name: [f"{self._package}.{one.name}"] for one in pkgutil.iter_modules(folders) if not one.ispkg}
        # once each: a distribution that is on the path twice is still one
        for name, module in dict.fromkeys((one.name, one.module) for one in entry_points(group=self.group)):
            own.setdefault(name, []).append(module)
        return own


def _origin(module: str) -> str | None:
    """The file of a module, which is not imported, if there is one."""
    try:
        spec = importlib.util.find_spec(module)
    except ModuleNotFoundError:  # a package above it is missing
        return None
    return spec.origin if spec else None


def _file(module: str) -> Path:
    return Path(_origin(module) or "")
