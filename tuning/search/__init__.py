"""Searches: spec, trials on Ray Tune, an Optuna study that is the one source of truth, and the pick."""
