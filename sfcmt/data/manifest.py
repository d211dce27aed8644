"""The manifest: what a data set is, and the digests that prove that it has not changed."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

from sfcmt.data.reading import Reading, of_format_1
from sfcmt.data.schema import Part, Public, Sealed, Split, file_name
from sfcmt.errors import DataError
from sfcmt.text_files import composed, read_text

MANIFEST = "manifest.json"
Holes = Literal["keep", "fill", "mask"]
Bits = Literal[8, 16, 32]
"""Of a pixel's value: whole numbers of 8 or 16 bits, or float32."""
NUMBERS: dict[Bits, str] = {8: "8 bits", 16: "16 bits", 32: "float32"}
"""What they are called."""


class Normalisation(BaseModel):
    """Per-channel mean and standard deviation in units of the stored pixel values."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    mean: tuple[float, ...]
    std: tuple[float, ...]


class FileEntry(BaseModel):
    """One file of the data set."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    rows: int = Field(ge=0)
    sha256: str


class Modality(BaseModel):
    """One side of the transfer."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    name: str
    channels: int
    bits: Bits
    normalisation: Normalisation


class Manifest(BaseModel):
    """`manifest.json` of a data set.

    `min_size` and `max_size` are (height, width) over all images. `holes` says what was done with missing target
    pixels (value 0 in all channels): kept as they are, filled in from the nearest known pixel, or left at 0 and masked
    on loading. `reading` says how the files of target images were read, which is done alike when a model is used;
    manifests of format 1 do not have it. Those before format 3 do not say which target images are of one frame.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")
    format: Literal[1, 2, 3] = 3
    name: str
    source: Modality
    target: Modality
    classes: tuple[Annotated[str, AfterValidator(composed)], ...]
    min_size: tuple[int, int]
    max_size: tuple[int, int]
    holes: Holes
    reading: Reading
    files: dict[Split, FileEntry]
    public: dict[Public, FileEntry] = Field(default_factory=dict)
    sealed: dict[Sealed, FileEntry]
    provenance: dict[str, str | int | float | bool]

    @model_validator(mode="before")
    @classmethod
    def _of_older_releases(cls, fields: Any) -> Any:
        if not isinstance(fields, dict) or fields.get("format") != 1 or "reading" in fields:
            return fields
        provenance = fields.get("provenance")
        importer = provenance.get("importer") if isinstance(provenance, dict) else None
        return fields | {"reading": of_format_1(importer)}

    def save(self, folder: Path) -> None:
        """Write `manifest.json` into `folder`."""
        (folder / MANIFEST).write_text(self.model_dump_json(indent=2) + "\n", encoding="utf-8")

    @staticmethod
    def load(folder: Path) -> Manifest:
        """Read the manifest of `folder`; a `DataError` says what is wrong with it."""
        path = folder / MANIFEST
        if not path.is_file():
            raise DataError(f"{folder}: no data set here ({MANIFEST} is missing); make one with: sfcmt data import")
        try:
            return Manifest.model_validate_json(read_text(path))
        except ValidationError as error:
            first = error.errors()[0]
            raise DataError(f"{path}: {'.'.join(map(str, first['loc']))}: {first['msg']}") from error

    def entry(self, part: Part) -> FileEntry:
        """The manifest's entry of a part; a `DataError` if the data set lacks it."""
        match part:
            case Split():
                entry = self.files.get(part)
            case Public():
                entry = self.public.get(part)
            case Sealed():
                entry = self.sealed.get(part)
        if entry is None:
            hint = "; without it, name a model of yours: source.model" if part is Split.SOURCE else ""
            raise DataError(f"data set {self.name} has no {file_name(part)}{hint}")
        return entry
