"""How long tests wait for processes and clusters."""

from __future__ import annotations

PATIENCE = 900
"""Seconds after which something is taken to hang. Not a measure of speed: a slow and busy machine must not reach it.

What promises to end at once, or to free what it holds within seconds, is tested by a limit of its own.
"""
