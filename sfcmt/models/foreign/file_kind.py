"""What kind of file one is, by its first bytes and never by its suffix."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from sfcmt.errors import ModelError

Kind = Literal["safetensors", "zip", "legacy"]
_ALLOWED = "allowed: safetensors, or a file of torch.save"
_SAVE = 'where it was made, save torch.save(model.state_dict(), "weights.pth")'
_OTHERS: tuple[tuple[int, tuple[bytes, ...], str], ...] = (
    (0, (b"version https://git-lfs",), "a Git LFS pointer, not the file; run git lfs pull"),
    (0, (b"<!doctype", b"<html", b"<?xml"), "a web page, not the file: its download went wrong"),
    (0, (b"\x89hdf\r\n\x1a\n",), f"an HDF5 file, as Keras and TensorFlow write; {_ALLOWED}"),
    (0, (b"\x93numpy",), f"an array of NumPy; {_ALLOWED}"),
    (0, (b"gguf",), f"a GGUF file; {_ALLOWED}"),
    (4, (b"tfl3",), f"a TensorFlow Lite file; {_ALLOWED}"),
    (
        0,
        (b"\x1f\x8b", b"bzh", b"\xfd7zxz\x00", b"\x28\xb5\x2f\xfd", b"7z\xbc\xaf\x27\x1c"),
        "compressed; unpack it first",
    ),
    (257, (b"ustar",), f"a tar archive; unpack it first, or if torch wrote it: {_SAVE}"),
    (0, tuple(bytes((8, version, 18)) for version in range(1, 20)), f"an ONNX file; {_SAVE}"),
)
"""Where in a file, what (in small letters), and what that means."""
_HEAD = 512


def kind_of(path: Path) -> Kind:
    """Which of our readers takes the file. Raises `ModelError` (without the path) for one that none takes."""
    if not path.is_file():
        raise ModelError(f"no regular file; {_ALLOWED}" if path.exists() else "no such file")
    with path.open("rb") as file:
        head = file.read(_HEAD)
    if not head:
        raise ModelError("empty")
    if head[8:9] == b"{":
        return "safetensors"
    if head.startswith(b"PK"):
        return "zip"
    if head.startswith(b"\x80"):
        return "legacy"
    raise ModelError(_other(head.lstrip(b"\xef\xbb\xbf \t\r\n").lower()))


def _other(head: bytes) -> str:
    """What a file is that cannot be read."""
    meanings = (meaning for place, starts, meaning in _OTHERS if head[place:].startswith(starts))
    return next(meanings, f"of no known format; {_ALLOWED}")
