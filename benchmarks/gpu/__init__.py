"""The acceptance run for a machine with a GPU: `python -m benchmarks.gpu` says what it checks and measures."""
