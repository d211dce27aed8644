"""Whether a method needs TI pairs is told by the names of its terms, without importing them."""

from __future__ import annotations

import pkgutil
from importlib import import_module

from sfcmt.stages import terms
from sfcmt.stages.pair_term import PairTerm


def test_terms_on_pairs_and_no_others_are_in_files_called_so() -> None:
    modules = {name: import_module(f"{terms.__name__}.{name}") for _, name, _ in pkgutil.iter_modules(terms.__path__)}
    on_pairs = {
        name
        for name, module in modules.items()
        for kind in vars(module).values()
        if isinstance(kind, type) and issubclass(kind, PairTerm) and kind.__module__ == module.__name__
    }
    assert on_pairs == {name for name in modules if name.startswith("pair_")} != set()
