"""Data sets on disk: their format, importers, embedded RGB-D scenes, and loading."""
