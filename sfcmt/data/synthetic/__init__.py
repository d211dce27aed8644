"""The embedded data set: ray-cast scenes of solids, in RGB and in depth."""
