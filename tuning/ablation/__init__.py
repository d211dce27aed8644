"""Ablations: what a user asks (`spec`), the arms that answer it (`designs`), and running them (`run`)."""
