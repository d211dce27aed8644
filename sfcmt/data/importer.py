"""The plug-in point of importers: what one is, which one fits a path, and how its options are checked."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Generic, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError
from pydantic_core import ErrorDetails

from sfcmt.data.reading import Numbers, Reading
from sfcmt.data.scanner import Scanner
from sfcmt.errors import ConfigError, DataError, Problem
from sfcmt.registry import Registry
from sfcmt.text_files import composed, is_text, printable


class ImportOptions(BaseModel):
    """Base of an importer's options; each field documents itself by its description."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    source_images: bool = Field(True, description="Keep labelled source images; false: bring a source model instead.")
    pairs: bool = Field(True, description="Keep TI pairs; false: use methods that need none.")
    invalid: Numbers | None = Field(None, description="Values that stand for none, by commas: holes, as 0 and NaN are.")
    unit: str | None = Field(
        None, min_length=1, max_length=20, description="Unit of target values, such as mm or m: kept, not converted."
    )

    @property
    def reading(self) -> Reading:
        """How files of target images are read."""
        return Reading(invalid=self.invalid or (), unit=self.unit)

    def provenance(self, importer: str, source: Path) -> dict[str, str | int | float | bool]:
        """What to record in the manifest: enough to repeat the import, without this machine's paths."""
        given = self.model_dump(exclude_none=True)
        for kept in ("source_images", "pairs"):
            if given[kept]:  # as before there was a choice
                del given[kept]
        flat = {key: ",".join(map(_text, value)) if isinstance(value, tuple) else value for key, value in given.items()}
        return {"importer": importer, "imported_from": printable(source.resolve().name), **flat}


OptionsT = TypeVar("OptionsT", bound=ImportOptions)


class Importer(ABC, Generic[OptionsT]):
    """Knows one layout. The first line of its docstring describes that layout to users."""

    options: type[OptionsT]

    @cached_property
    def scanner(self) -> Scanner:
        """By which it finds files, so that what it leaves out is told."""
        return Scanner()

    @abstractmethod
    def recognises(self, path: Path) -> bool:
        """Whether `path` has this layout, judged by a few names and without reading images."""

    @abstractmethod
    def run(self, source: Path, destination: Path, options: OptionsT) -> None:
        """Import `source` into the new folder `destination`; a `DataError` names the file and row at fault."""


IMPORTERS: Registry[type[Importer[Any]]] = Registry("importer", "sfcmt.data.importers")


def _split_commas(value: object) -> object:
    return tuple(composed(part) for part in value.split(",") if part.strip()) if isinstance(value, str) else value


Names = Annotated[tuple[str, ...], BeforeValidator(_split_commas)]
"""An option that lists names, separated by commas on the command line."""


def _text(value: str | float) -> str:
    return value if isinstance(value, str) else f"{value:.10g}"


def import_dataset(
    source: Path, destination: Path, layout: str | None, options: Mapping[str, str], strict: bool = False
) -> list[str]:
    """Import `source` into `destination`, by the importer called `layout` or the one that recognises `source`.

    Returns what was skipped, a line for each reason; with `strict`, whatever would be skipped is a `DataError`. Raises
    `ConfigError` with all wrong options at once, and `DataError` if `source` is wrong or of no known layout.
    """
    if not source.exists():
        raise DataError(f"{printable(source)}: does not exist")
    if not is_text(destination.name):
        raise DataError(f"{printable(destination)}: the name of a data set must be UTF-8")
    name = layout or _recognise(source)
    importer = IMPORTERS[name]()
    importer.scanner = Scanner(strict)
    importer.run(source, destination, _checked(name, importer.options, options))
    return importer.scanner.report(source)


def _recognise(source: Path) -> str:
    fitting = [name for name, importer in IMPORTERS.items() if importer().recognises(source)]
    if len(fitting) != 1:
        found = f"fits several layouts ({', '.join(fitting)})" if fitting else "has no known layout"
        raise DataError(f"{source}: {found}; name one of: {', '.join(IMPORTERS)}")
    return fitting[0]


def _checked(name: str, model: type[OptionsT], options: Mapping[str, str]) -> OptionsT:
    try:
        return model.model_validate(dict(options))
    except ValidationError as error:
        raise ConfigError([_problem(name, model, detail) for detail in error.errors()]) from error


def _problem(name: str, model: type[ImportOptions], detail: ErrorDetails) -> Problem:
    path = ".".join(map(str, (name, *detail["loc"])))
    if detail["type"] == "extra_forbidden":
        return Problem(path, detail["input"], f"only the options {', '.join(sorted(model.model_fields))}")
    return Problem(path, detail["input"], detail["msg"].removeprefix("Input should be "))
