"""What numbers over few seeds can and cannot say: pure functions of plain values, without Ray, MLflow or a model.

Every result is a small frozen dataclass that carries its evidence: n, seeds, interval, level, method, test, correction.
How the intervals cover and the tests err with 5 and 10 seeds is measured by `python -m benchmarks.coverage`, and with
images in frames by `python -m benchmarks.frame_coverage`.
"""
