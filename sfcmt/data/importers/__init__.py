"""Importers: each turns one layout of downloaded images into a data set of this project's format.

A new layout is a new file here that registers an `Importer`.
"""

from sfcmt.data.importers.base import IMPORTERS, Importer, ImportOptions, import_dataset

__all__ = ["IMPORTERS", "ImportOptions", "Importer", "import_dataset"]
