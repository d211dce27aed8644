"""The closed list of what a checkpoint's pickle may name beside plain data, and what stands for each in our reader.

A name outside of the list is refused. What training scripts leave beside the weights becomes None.
"""

from __future__ import annotations

from typing import Any

import torch

from sfcmt.models.foreign.stored_tensor import DTYPES, tensor, tensor_of

_STORAGES = {
    "Double": torch.float64,
    "Float": torch.float32,
    "Half": torch.float16,
    "BFloat16": torch.bfloat16,
    "Long": torch.int64,
    "Int": torch.int32,
    "Short": torch.int16,
    "Char": torch.int8,
    "Byte": torch.uint8,
    "Bool": torch.bool,
    "ComplexFloat": torch.complex64,
    "ComplexDouble": torch.complex128,
}
_DICTS = (
    "collections.OrderedDict",
    "collections.Counter",
    "lightning.fabric.utilities.data.AttributeDict",
    "lightning_fabric.utilities.data.AttributeDict",
    "pytorch_lightning.utilities.parsing.AttributeDict",
)
_PATHS = ("PosixPath", "WindowsPath", "PurePosixPath", "PureWindowsPath")
_NUMPY = ("multiarray.scalar", "multiarray._reconstruct", "numeric._frombuffer")
_LEFT_BY_SCRIPTS = (
    "argparse.Namespace",
    "types.SimpleNamespace",
    "_codecs.encode",
    *(f"builtins.{kind}" for kind in ("bool", "bytearray", "complex", "dict", "float", "frozenset", "int", "list")),
    *(f"builtins.{kind}" for kind in ("range", "set", "slice", "str", "tuple")),
    "datetime.date",
    "datetime.datetime",
    "datetime.timedelta",
    "datetime.timezone",
    *(f"pathlib{module}.{path}" for module in ("", "._local") for path in _PATHS),
    "numpy.dtype",
    "numpy.ndarray",
    *(f"numpy.{core}.{name}" for core in ("core", "_core") for name in _NUMPY),
    "torch.device",
    "torch.nn.parameter.Buffer",
    "torch.nn.parameter.Parameter",
    "torch.Tensor",
    "torch._tensor.Tensor",
)
_NOT_DENSE = "holds a sparse, quantised or nested tensor; allowed: dense ones"


def _dict(first: Any = None) -> dict[Any, Any]:
    """A dict, or what Python 2 wrote: its pairs. They are emptied, so that no list can be copied many times."""
    pairs = first if isinstance(first, list) else []
    made = {key: value for key, value in pairs if isinstance(key, str)}
    pairs.clear()
    return made


def _default_dict(_factory: Any = None) -> dict[Any, Any]:
    return {}


def _nothing(*_: Any) -> None:
    return None


def _first(value: Any, *_: Any) -> Any:
    return value


def _of_type(function: Any, _type: Any, arguments: Any, _state: Any) -> Any:
    """Stands for `torch._tensor._rebuild_from_type_v2`."""
    if function not in (tensor, tensor_of):
        raise TypeError("a function that makes tensors expected")
    return function(*arguments)


GLOBALS: dict[str, Any] = {
    **{f"torch.{name}Storage": dtype for name, dtype in _STORAGES.items()},
    **{str(dtype): dtype for dtype in DTYPES},
    "torch.storage.UntypedStorage": torch.uint8,
    **dict.fromkeys(_DICTS, _dict),
    "collections.defaultdict": _default_dict,
    **dict.fromkeys(_LEFT_BY_SCRIPTS, _nothing),
    "torch.Size": _first,
    "torch._utils._rebuild_tensor": tensor,
    "torch._utils._rebuild_tensor_v2": tensor,
    "torch._utils._rebuild_tensor_v3": tensor_of,
    "torch._utils._rebuild_parameter": _first,
    "torch._utils._rebuild_parameter_with_state": _first,
    "torch._tensor._rebuild_from_type_v2": _of_type,
    "torch._utils._rebuild_nested_tensor": _NOT_DENSE,
    "torch._utils._rebuild_qtensor": _NOT_DENSE,
    "torch._utils._rebuild_sparse_tensor": _NOT_DENSE,
}
"""Dotted name -> dtype, function that is called in its place, or text on why it is refused."""
