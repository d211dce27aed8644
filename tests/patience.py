"""How long tests wait for processes and clusters."""

from __future__ import annotations

PATIENCE = 900
"""Seconds after which something is taken to hang. Not a measure of speed: a slow and busy machine must not reach it."""
