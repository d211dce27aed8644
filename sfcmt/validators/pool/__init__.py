"""Validators over a pool of finished models: scores that say which of them to pick."""
