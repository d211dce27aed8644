"""Finished studies, read from their folders into one form."""
