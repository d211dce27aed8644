"""Ablations: what a user asks (`spec`), and the arms that answer it (`designs`)."""
