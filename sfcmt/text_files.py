"""Text that users write with whatever program they have: one reader, which knows encodings, and tables in it.

UTF-8 is expected; a byte order mark says otherwise (UTF-8, UTF-16 and UTF-32 of either order). What is
neither is refused with the line, since a guessed encoding would change names without a word.
"""

from __future__ import annotations

import codecs
import csv
import unicodedata
from collections.abc import Iterator, Sequence
from pathlib import Path

from sfcmt.errors import DataError

_MARKS = {  # UTF-32's begins as UTF-16's does
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
_DELIMITERS = ",;\t"


def read_text(path: Path) -> str:
    """A text file's content without its byte order mark, lines ended by newlines. Raises `DataError`."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror})") from error
    encoding = next((name for mark, name in _MARKS.items() if data.startswith(mark)), "utf-8")
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise DataError(
            f"{path} line {line}: not {encoding.upper()} (byte 0x{data[error.start]:02x}); save it as UTF-8, or "
            "convert it, for instance from the encoding of Windows: iconv -f cp1252 -t utf-8"
        ) from error
    if "\0" in text:
        raise DataError(f"{path}: zero bytes in a text; save it as UTF-8 (UTF-16 needs its byte order mark)")
    return text.replace("\r\n", "\n").replace("\r", "\n")


def composed(name: str) -> str:
    """A name in Unicode's composed form (NFC), without blanks around it: as two people mean the same one."""
    return unicodedata.normalize("NFC", name).strip()


def is_text(name: str) -> bool:
    """Whether a file's name can be written as UTF-8; on disk it may be any bytes."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def printable(text: object) -> str:
    """A path's or message's text, in which bytes that are not UTF-8 are written as escapes."""
    return str(text).encode(errors="surrogateescape").decode(errors="backslashreplace")


def read_rows(path: Path, columns: Sequence[str]) -> Iterator[tuple[str, dict[str, str]]]:
    """Rows of a CSV file with exactly these columns, each with its place; delimited by commas, semicolons or tabs.

    Case, blanks and order of the columns' names play no part. Names are composed. Raises `DataError` naming the line.
    """
    lines = read_text(path).split("\n")
    first = next((place for place, line in enumerate(lines) if line.strip()), 0)
    if lines[first].lower().startswith("sep="):  # how Excel is told of a delimiter
        first += 1
    header = lines[first] if first < len(lines) else ""
    delimiter = max(_DELIMITERS, key=header.count)
    reader = csv.reader(lines[first:], delimiter=delimiter)
    try:
        names = [composed(name).lower() for name in next(reader, [])]
        if sorted(names) != sorted(columns):
            raise DataError(f"{path}: its columns must be {' and '.join(columns)}, not {names}")
        for values in filter(any, reader):
            padded = [*map(composed, values), *[""] * (len(names) - len(values))]
            where = f"{path} line {reader.line_num + first}"
            if any(padded[len(names) :]):
                raise DataError(
                    f"{where}: {len(values)} values for {len(names)} columns; put quotes around a delimiter"
                )
            yield where, dict(zip(names, padded, strict=False))
    except csv.Error as error:
        raise DataError(f"{path} line {reader.line_num + first}: not CSV ({error})") from error
