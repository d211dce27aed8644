"""Pseudo-labels of the target model: centroid assignment, and weightings of what to trust."""
