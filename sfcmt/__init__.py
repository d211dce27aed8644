"""Source-free cross-modal knowledge transfer: from an RGB classifier to depth or infrared, without the RGB data.

What the command does, from Python. Names are imported when they are asked for:

    >>> import sfcmt
    >>> experiment = sfcmt.load_experiment("tiny.yaml", ["transfer.epochs=1"])
    >>> comparison = sfcmt.Comparison(experiment, methods=["source_only", "tgkt"], seeds=[0])
    >>> summary = sfcmt.compare(comparison, "tiny")
    >>> [row.method for row in summary.rows]
    ['source_only', 'tgkt']
    >>> model, spec = sfcmt.load_model(str(comparison.cells[1].artifact.path))
    >>> spec.classes
    ('across', 'down', 'centre')

For a model and images that you hold there are `SourceModel` and `transfer`.
"""

from __future__ import annotations

import logging
import os
from pkgutil import resolve_name
from typing import TYPE_CHECKING, Any

from sfcmt.version import __version__

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # threads that spin on busy cores make all slower; read with torch

logging.getLogger("sfcmt").setLevel(logging.WARNING)  # importing mlflow.pytorch sets the root's to ERROR

if TYPE_CHECKING:
    from sfcmt.api.source_model import SourceModel as SourceModel
    from sfcmt.api.transfer import transfer as transfer
    from sfcmt.api.transferred import Transferred as Transferred
    from sfcmt.callbacks import Callback as Callback
    from sfcmt.classify import Classification as Classification
    from sfcmt.data.dataset import Dataset as Dataset
    from sfcmt.data.importer import import_dataset as import_dataset
    from sfcmt.errors import SfcmtError as SfcmtError
    from sfcmt.experiment import Experiment as Experiment
    from sfcmt.experiment import load_experiment as load_experiment
    from sfcmt.reports.ablate import ablate as ablate
    from sfcmt.reports.registry.candidate import Candidate as Candidate
    from sfcmt.reports.registry.promotion import promote as promote
    from sfcmt.reports.registry.promotion import rollback as rollback
    from sfcmt.reports.registry.show import read_history as history  # noqa: F401
    from sfcmt.reports.report import report as report
    from sfcmt.reports.sources.opening import open_studies as open_studies
    from sfcmt.tuning.ablation.spec import load_ablation as load_ablation
    from sfcmt.tuning.ablation.study import Ablation as Ablation
    from sfcmt.tuning.checking import checked as validate  # noqa: F401
    from sfcmt.tuning.collecting import collect_garbage as collect_garbage
    from sfcmt.tuning.compare import compare as compare
    from sfcmt.tuning.compare import track as track
    from sfcmt.tuning.comparison import Comparison as Comparison
    from sfcmt.tuning.exporting import export as export
    from sfcmt.tuning.models import load_model as load_model
    from sfcmt.tuning.models import predict as predict
    from sfcmt.tuning.search.distilling import distill_study as distill  # noqa: F401
    from sfcmt.tuning.search.scoring import score_study as score  # noqa: F401
    from sfcmt.tuning.search.spec import load_search as load_search
    from sfcmt.tuning.search.study import Study as Study
    from sfcmt.tuning.search.tune import tune as tune

_PUBLIC = {
    "Ablation": "sfcmt.tuning.ablation.study:Ablation",
    "Callback": "sfcmt.callbacks:Callback",
    "Candidate": "sfcmt.reports.registry.candidate:Candidate",
    "Classification": "sfcmt.classify:Classification",
    "Comparison": "sfcmt.tuning.comparison:Comparison",
    "Dataset": "sfcmt.data.dataset:Dataset",
    "Experiment": "sfcmt.experiment:Experiment",
    "SfcmtError": "sfcmt.errors:SfcmtError",
    "SourceModel": "sfcmt.api.source_model:SourceModel",
    "Study": "sfcmt.tuning.search.study:Study",
    "Transferred": "sfcmt.api.transferred:Transferred",
    "ablate": "sfcmt.reports.ablate:ablate",
    "collect_garbage": "sfcmt.tuning.collecting:collect_garbage",
    "compare": "sfcmt.tuning.compare:compare",
    "distill": "sfcmt.tuning.search.distilling:distill_study",
    "export": "sfcmt.tuning.exporting:export",
    "history": "sfcmt.reports.registry.show:read_history",
    "import_dataset": "sfcmt.data.importer:import_dataset",
    "load_ablation": "sfcmt.tuning.ablation.spec:load_ablation",
    "load_experiment": "sfcmt.experiment:load_experiment",
    "load_model": "sfcmt.tuning.models:load_model",
    "load_search": "sfcmt.tuning.search.spec:load_search",
    "open_studies": "sfcmt.reports.sources.opening:open_studies",
    "predict": "sfcmt.tuning.models:predict",
    "promote": "sfcmt.reports.registry.promotion:promote",
    "report": "sfcmt.reports.report:report",
    "rollback": "sfcmt.reports.registry.promotion:rollback",
    "score": "sfcmt.tuning.search.scoring:score_study",
    "track": "sfcmt.tuning.compare:track",
    "transfer": "sfcmt.api.transfer:transfer",
    "tune": "sfcmt.tuning.search.tune:tune",
    "validate": "sfcmt.tuning.checking:checked",
}
"""What is public, and where it is. The only place in this room that names the rooms above it."""
__all__ = [*_PUBLIC, "__version__"]  # noqa: PLE0604


def __getattr__(name: str) -> Any:
    if name not in _PUBLIC:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return resolve_name(_PUBLIC[name])


def __dir__() -> list[str]:
    return [*globals(), *_PUBLIC]
