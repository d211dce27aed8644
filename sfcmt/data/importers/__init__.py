"""Importers: each turns one layout of downloaded images into a data set of this project's format.

A new layout is a new file here that registers an `Importer`.
"""
