"""A reader of pickles that runs nothing: it knows the opcodes of `torch.save`, and imports no name of a pickle's.

A global stands for something that the caller gives. Only functions among these are called; `BUILD`, which sets an
object's state, is passed over. What comes out are dicts, lists, tuples, texts, numbers, and what the caller gave.
"""

from __future__ import annotations

import io
import pickletools
import struct
from collections.abc import Callable, Mapping
from types import FunctionType
from typing import Any, TypeVar

from sfcmt.errors import ModelError
from sfcmt.models.foreign.text import shortened

LONGEST = 8 * 2**20
"""Bytes of the longest pickle that is read. Its objects take up to ninety times as much memory."""

_ARGUMENTS = {
    *("INT", "BININT", "BININT1", "BININT2", "LONG", "LONG1", "LONG4", "FLOAT", "BINFLOAT"),
    *("UNICODE", "BINUNICODE", "SHORT_BINUNICODE", "BINUNICODE8", "STRING", "BINSTRING", "SHORT_BINSTRING"),
    *("BINBYTES", "SHORT_BINBYTES", "BINBYTES8", "BYTEARRAY8"),
}
"""Opcodes whose argument is what they push."""
_CONSTANTS: dict[str, Callable[[], Any]] = {
    "NONE": lambda: None,
    "NEWTRUE": lambda: True,
    "NEWFALSE": lambda: False,
    "EMPTY_TUPLE": tuple,
    "EMPTY_LIST": list,
    "EMPTY_DICT": dict,
    "EMPTY_SET": list,  # hashing what a stranger nested may overflow the C stack
}
_PASSED_OVER = frozenset({"PROTO", "FRAME"})
_KEYS = (str, int, float, bool, bytes, type(None))
_T = TypeVar("_T")


def read_pickle(file: io.BytesIO, globals_: Mapping[str, Any], persistent_load: Callable[[Any], Any]) -> Any:
    """The content of the pickle that starts here; the file is left behind its end.

    `globals_` has by its dotted name what stands for a global, a text if that is refused; `persistent_load` gives what
    stands for a persistent id. Raises `ModelError` for any other global, and what has other opcodes or is damaged.
    """
    machine = _Machine(globals_, persistent_load)
    start = file.tell()
    try:
        for opcode, argument, position in pickletools.genops(file):
            if position and position - start > LONGEST:
                raise ModelError(f"its pickle is longer than {LONGEST // 2**20} MiB")
            if opcode.name == "STOP":
                break
            machine.step(opcode.name, argument)
        return machine.stack.pop()
    except ModelError:
        raise
    except (ValueError, LookupError, TypeError, AttributeError, OverflowError, struct.error) as error:
        raise ModelError(f"damaged or cut short: its pickle cannot be read ({shortened(error)})") from error


class _Machine:
    """The stack of one pickle."""

    def __init__(self, globals_: Mapping[str, Any], persistent_load: Callable[[Any], Any]) -> None:
        self.globals, self.persistent_load = globals_, persistent_load
        self.stack: list[Any] = []
        self.below: list[list[Any]] = []
        self.memo: dict[int, Any] = {}

    def step(self, opcode: str, argument: Any) -> None:
        if opcode in _ARGUMENTS:
            self.push(argument)
        elif opcode in _CONSTANTS:
            self.push(_CONSTANTS[opcode]())
        elif opcode in _STEPS:
            _STEPS[opcode](self, argument)
        elif opcode not in _PASSED_OVER:
            raise ModelError(f"its pickle holds the opcode {opcode}, which torch.save does not write")

    def push(self, value: Any) -> None:
        self.stack.append(value)

    def pop(self, count: int) -> list[Any]:
        if len(self.stack) < count:
            raise IndexError("pop from empty stack")
        popped = self.stack[-count:]
        del self.stack[-count:]
        return popped

    def pop_to_mark(self) -> list[Any]:
        popped, self.stack = self.stack, self.below.pop()
        return popped

    def mark(self, _: None) -> None:
        self.below.append(self.stack)
        self.stack = []

    def extend(self, items: list[Any]) -> None:
        _only(list, self.stack[-1]).extend(items)

    def update(self, items: list[Any]) -> None:
        target = _only(dict, self.stack[-1])
        for key, value in zip(items[::2], items[1::2], strict=True):
            if type(key) not in _KEYS:
                raise ModelError(f"its pickle holds a dict with a key of type {type(key).__name__}")
            target[key] = value

    def push_global(self, name: str) -> None:
        name = name.replace("__builtin__.", "builtins.")  # Python 2
        if name not in self.globals:
            raise ModelError(
                f"a pickle that is more than tensors ({shortened(name)}); where it was made, save "
                'torch.save(model.state_dict(), "weights.pth") or '
                'safetensors\' save_file(model.state_dict(), "weights.safetensors")'
            )
        if isinstance(self.globals[name], str):
            raise ModelError(self.globals[name])
        self.push(self.globals[name])

    def call(self, _: None) -> None:
        function, arguments = self.pop(2)
        self.push(_only(FunctionType, function)(*_only(tuple, arguments)))

    def call_with_keywords(self, _: None) -> None:
        self.pop(1)
        self.call(None)

    def memoise(self, index: int | None) -> None:
        self.memo[len(self.memo) if index is None else index] = self.stack[-1]


def _only(kind: type[_T], value: Any) -> _T:
    if type(value) is not kind:
        raise TypeError(f"{kind.__name__} expected")
    return value


_STEPS: dict[str, Callable[[_Machine, Any], object]] = {
    "MARK": _Machine.mark,
    "TUPLE": lambda m, _: m.push(tuple(m.pop_to_mark())),
    "TUPLE1": lambda m, _: m.push(tuple(m.pop(1))),
    "TUPLE2": lambda m, _: m.push(tuple(m.pop(2))),
    "TUPLE3": lambda m, _: m.push(tuple(m.pop(3))),
    "APPEND": lambda m, _: m.extend(m.pop(1)),
    "APPENDS": lambda m, _: m.extend(m.pop_to_mark()),
    "ADDITEMS": lambda m, _: m.extend(m.pop_to_mark()),
    "FROZENSET": lambda m, _: m.push(m.pop_to_mark()),
    "SETITEM": lambda m, _: m.update(m.pop(2)),
    "SETITEMS": lambda m, _: m.update(m.pop_to_mark()),
    "GLOBAL": lambda m, argument: m.push_global(argument.replace(" ", ".", 1)),
    "STACK_GLOBAL": lambda m, _: m.push_global(".".join(m.pop(2))),
    "REDUCE": _Machine.call,
    "NEWOBJ": _Machine.call,
    "NEWOBJ_EX": _Machine.call_with_keywords,
    "BUILD": lambda m, _: m.pop(1),
    "BINPERSID": lambda m, _: m.push(m.persistent_load(m.stack.pop())),
    "GET": lambda m, index: m.push(m.memo[index]),
    "BINGET": lambda m, index: m.push(m.memo[index]),
    "LONG_BINGET": lambda m, index: m.push(m.memo[index]),
    "PUT": _Machine.memoise,
    "BINPUT": _Machine.memoise,
    "LONG_BINPUT": _Machine.memoise,
    "MEMOIZE": _Machine.memoise,
}
