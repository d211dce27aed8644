"""The page: one file that works without a network."""
