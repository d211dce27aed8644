"""What a few labels say of a model: which images to label, and estimates with intervals. Pure functions of arrays.

`draw` says which rows to label, `planned_widths` how much that will say, `estimate` what it said. An audit's estimand
is the accuracy on the N images that are there: chance is in the draw alone, so nothing is assumed of the images.
How the intervals cover on real predictions is measured by `python -m benchmarks.audit_coverage`.
"""
