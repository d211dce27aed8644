"""What `sfcmt ablate` does: train an ablation's arms, and read what came of it."""

from __future__ import annotations

from sfcmt.callbacks import Callback, Callbacks
from sfcmt.reports.sources.ablation import AblationResults, read_ablation
from sfcmt.tuning.ablation.mlflow_sync import AblationSync
from sfcmt.tuning.ablation.run import run_ablation
from sfcmt.tuning.ablation.study import Ablation
from sfcmt.tuning.mlflow_sync import synced
from sfcmt.tuning.search.study_folder import read_spec


def ablate(ablation: Ablation, callback: Callback | None = None, jobs: int | None = None) -> AblationResults:
    """Train what is missing, `jobs` stages at a time, with MLflow kept up to date beside; the results.

    Called again after any interruption it goes on. What the results say: `sfcmt.reports.findings.arms.arm_findings`.
    """
    sync, callback = AblationSync(ablation), callback or Callback()
    with synced(sync, callback):
        run_ablation(ablation, Callbacks([callback, sync]), jobs)
    return read_ablation(ablation.folder, read_spec(ablation.folder))
