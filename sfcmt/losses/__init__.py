"""Training losses, one a file: equation, shapes and source in each docstring."""
