"""The verb `demo`. What it needs is imported late: the command must start fast."""

from __future__ import annotations

from sfcmt.tuning.verbs import GOES_ON, Overrides, Verbose


def demo(overrides: Overrides = None, verbose: Verbose = False) -> None:
    """Move a classifier from RGB to depth on embedded images: a transfer, a search, a registered model."""
    from sfcmt.experiment import load_experiment
    from sfcmt.tuning.progress import progress_of

    experiment = load_experiment("demo", overrides or ())
    plan = f"From RGB to depth in minutes: a transfer, a search, a model with a name. {GOES_ON}"
    with progress_of("demo", "demo", plan, experiment, verbose) as progress:
        with progress.doing("loading PyTorch and MLflow, rendering images of six solids"):
            from sfcmt.reports.demo import Demo

            tour = Demo(experiment, progress, overrides or ())
        tour.run()
