"""Whether new images are still like those that a model was adapted to."""
