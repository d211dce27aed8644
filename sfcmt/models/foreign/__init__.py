"""Checkpoint files of strangers: reading them without trusting them, and bringing what they hold into line."""
