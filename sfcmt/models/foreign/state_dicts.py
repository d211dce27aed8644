"""Where in a checkpoint the weights are: the state dict among all that a training script has saved with it."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, TypeVar

from sfcmt.errors import ModelError
from sfcmt.models.foreign.text import listed, shortened

AVERAGES = frozenset(
    (
        *("model_ema", "model_ema_state_dict", "ema", "ema_model", "ema_state_dict", "state_dict_ema", "params_ema"),
        *("averaged_model", "swa_model", "swa_state_dict"),
    )
)
"""Names of averages of weights over the last steps. They are what is judged and shipped, so they go first."""
RAW = frozenset(
    ("model", "model_state", "model_state_dict", "module", "net", "network", "params", "state_dict", "weights")
)
_T = TypeVar("_T")


def chosen(content: Any, key: str | None, kind: type[_T]) -> tuple[dict[str, _T], str]:
    """The state dict of a checkpoint, whose tensors are of `kind`, and a text on which it is: empty without a choice.

    `key` is a dotted path. Raises `ModelError` where nothing, or no one thing, is to be taken.
    """
    found = dict(_state_dicts(content, kind)) if isinstance(content, dict) else {}
    if not found:
        raise ModelError("holds no weights: there is no dict of tensors in it")
    if key is not None and key not in found:
        raise ModelError(f"no weights under {shortened(repr(key))}; it holds weights {_places(found)}")
    path = key if key is not None else _best(found)
    return _tensors(found[path], kind), _taken(path, [other for other in _known(found) if other != path])


def _state_dicts(content: Mapping[Any, Any], kind: type) -> Iterator[tuple[str, Mapping[Any, Any]]]:
    """All dicts that hold tensors, with their dotted paths; each once, however often it is in the others."""
    waiting, seen = deque([("", content)]), {id(content)}
    while waiting:
        path, found = waiting.popleft()
        if any(isinstance(value, kind) for value in found.values()):
            yield path, found
        for name, value in found.items():
            if isinstance(value, dict) and isinstance(name, str) and id(value) not in seen:
                seen.add(id(value))
                waiting.append((f"{path}.{name}" if path else name, value))


def _best(found: Mapping[str, Any]) -> str:
    """An average, or else raw weights, both under known names; or else what there is."""
    known = _known(found)
    candidates = [path for path in known if _is_average(path)] or known or list(found)
    if len(candidates) > 1:
        raise ModelError(f"holds weights {_places(candidates)}; say which with a key")
    return candidates[0]


def _known(paths: Iterable[str]) -> list[str]:
    return [path for path in paths if path and set(path.split(".")) <= AVERAGES | RAW]


def _is_average(path: str) -> bool:
    return not AVERAGES.isdisjoint(path.split("."))


def _places(paths: Iterable[str]) -> str:
    return "under " + listed((repr(path) if path else "no key" for path in paths), most=10)


def _taken(path: str, beside: list[str]) -> str:
    if not path:
        return ""
    about = ["an average"] if _is_average(path) else []
    about += [f"beside it: {listed(map(repr, beside))}"] if beside else []
    return f"the weights under {shortened(repr(path))}" + (f" ({'; '.join(about)})" if about else "")


def _tensors(content: Mapping[Any, Any], kind: type[_T]) -> dict[str, _T]:
    for name in content:
        if not isinstance(name, str):
            raise ModelError(f"its weights have a name that is no text: {shortened(repr(name))}")
    return {name: value for name, value in content.items() if isinstance(value, kind)}
