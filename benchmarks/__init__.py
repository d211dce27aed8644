"""Speed claims: each script runs both sides in one process and prints a ratio."""
