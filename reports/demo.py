"""The demo: one transfer, one small search, one registered model, told in order. Run again, it trains nothing."""

from __future__ import annotations

import importlib.resources
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.console import Console

from sfcmt.callbacks import Callbacks
from sfcmt.config import GivenSourceConfig
from sfcmt.data.schema import Split
from sfcmt.durable import write_durably
from sfcmt.errors import ConfigError, Problem
from sfcmt.experiment import Experiment, load_experiment
from sfcmt.grounding.wording import gate_text
from sfcmt.progress.lines import ProgressLines
from sfcmt.recipes import source_recipe
from sfcmt.reports.registry.alias import Alias
from sfcmt.reports.registry.candidate import Candidate
from sfcmt.reports.registry.promotion import promote
from sfcmt.reports.report import report, write
from sfcmt.reports.sources.search import read_search
from sfcmt.store import Store
from sfcmt.task import open_task
from sfcmt.tuning.compare import track
from sfcmt.tuning.comparison import Comparison
from sfcmt.tuning.mlflow_calls import place
from sfcmt.tuning.models import predict
from sfcmt.tuning.search.scoring import score_study
from sfcmt.tuning.search.spec import load_search
from sfcmt.tuning.search.study import Study, gate_of
from sfcmt.tuning.search.tune import tune
from sfcmt.tuning.summary import StageCounter, summarise, table_of
from sfcmt.tuning.training import train_stages

NAME, MODEL = "demo", "demo-depth"
METHODS = ("source_only", "bn_adapt", "ti_distillation", "robust_tgkt")
_IMAGES = 3


class Demo:
    """Each step prints what it does and what came of it, and the command that does the same."""

    def __init__(self, experiment: Experiment[Any], progress: ProgressLines, overrides: Sequence[str] = ()) -> None:
        if isinstance(experiment.source, GivenSourceConfig):
            allowed = "none: the demo trains one, and goes on from it; for yours see sfcmt compare"
            raise ConfigError([Problem("source.model", experiment.source.model, allowed)])
        self._experiment, self._progress = experiment, progress
        self._overrides = tuple(override for override in overrides if not override.startswith("source."))
        self._console = Console(soft_wrap=True, highlight=False, markup=False)
        self._counter = StageCounter()

    def run(self) -> None:
        """All steps. From the second on, the source model is given, as a user's own is, and no source image is read."""
        self.show_source()
        self._comparison = Comparison(load_experiment(NAME, self._overrides), METHODS, [self._experiment.seed])
        self.show_transfer()
        study = self.show_search()
        self.show_registry(study)
        self.show_what_next(study)

    def show_source(self) -> None:
        """The source model, and what it loses on depth. From here on it is given, by its folder."""
        self._say("1. The source model: six solids, learned from labelled RGB images, which nothing reads after that")
        heard = Callbacks([self._progress, self._counter])
        store, seed = Store(self._experiment.runtime.store), self._experiment.seed
        recipe = source_recipe(self._experiment, open_task(self._experiment, store.root), seed)
        train_stages([recipe], self._experiment.runtime, store, heard)
        source = store.find(recipe)
        assert source is not None, "it was trained just now"
        self._overrides = (*self._overrides, f"source.model={os.path.relpath(source.path)}")
        alone = Comparison(load_experiment(NAME, self._overrides), METHODS[:1], [seed])
        alone.train(heard)
        ((_, judged),) = alone.scores().items()
        self._say(
            f"   It is right on {source.metrics['source_accuracy']:.0%} of held-out RGB images, and on "
            f"{judged.balanced_accuracy:.0%} of depth images."
        )

    def show_transfer(self) -> None:
        """What the transfer and the baselines win back, without a label of a depth image."""
        self._say("2. The transfer to unlabelled depth images, by that model and RGB-D pairs of other solids alone")
        self._say(self._command("compare demo", "--methods", ",".join(METHODS), "--seeds", "1"))
        self._comparison.train(Callbacks([self._progress, self._counter]))
        summary = summarise(NAME, self._comparison)
        table = table_of(summary)
        table.caption = "Oracle columns read sealed labels, to judge by: nothing is trained or chosen by them."
        self._say(table)
        for chosen in summary.chosen:
            self._say(f"   Chosen: {chosen}")
        with self._progress.doing("logging to MLflow"):
            track(NAME, self._comparison, summary, is_comparison=False)

    def show_search(self) -> Study:
        """A search whose winner is picked without labels, and then judged by them."""
        spec = str(importlib.resources.files("sfcmt.tuning") / "searches" / f"{NAME}.yaml")
        study = Study.of(NAME, load_search(spec, self._overrides))
        self._say("3. A search over two loss weights: driven, and its winner picked, without labels")
        self._say(self._command("tune tuning/searches/demo.yaml"))
        selection = tune(study, Callbacks([self._progress, self._counter]))
        scores = score_study(study)
        winner = scores["oracle_balanced_accuracy"][str(selection["winner"])]
        self._say(f"   Picked: trial {selection['winner']}. {gate_text(gate_of(selection), str(selection['winner']))}")
        self._say(
            f"   Judged afterwards by the sealed labels: {winner:.1%}, "
            f"{100 * scores['regret']:.1f} points below the best trial."
        )
        return study

    def show_registry(self, study: Study) -> None:
        """The winner under a name, and what it says of three images."""
        self._say("4. The winner in MLflow's registry, and what it says of three depth images")
        self._say(f"   $ sfcmt promote demo --model {MODEL} --as champion")
        with self._progress.doing("registering the model"):
            promote(Candidate.winner(study), MODEL, Alias.CHAMPION)
        self._say(f"   {MODEL}@{Alias.CHAMPION} is the model of trial {study.selection()['winner']}.")
        images, place = self._images(), f"models:/{MODEL}@{Alias.CHAMPION}"
        self._say(f"   $ sfcmt predict {place} {' '.join(map(str, images))}")
        for one in predict(place, images):
            self._say(f"   {one.file}: {one.label} ({one.probabilities[one.label]:.0%})")

    def show_what_next(self, study: Study) -> None:
        """Where to look."""
        with self._progress.doing("writing the report"):
            write(report([read_search(study)]), study.folder / "report")
        if not self._counter.trained:
            self._say(f"Trained nothing: all {len(self._counter.found)} stages were found in {study.store.place}.")
        self._say("5. What to open next")
        self._say(f"   the search's report     {study.folder / 'report' / 'report.html'}")
        self._say(f"   runs and models         mlflow ui --backend-store-uri {place()}")
        self._say(f"   the search, trial by trial    optuna-dashboard {study.folder / 'journal.log'}")

    def _command(self, verb: str, *options: str) -> str:
        return " ".join(["   $ sfcmt", verb, *self._overrides, *options])

    def _images(self) -> Sequence[Path]:
        """A few target images, as files that a user could have."""
        folder = self._comparison.store.root / NAME
        encoded = self._comparison.dataset.rows(Split.TARGET, range(_IMAGES), "image")["image"].to_pylist()
        files = [folder / f"depth-{number}.png" for number in range(1, _IMAGES + 1)]
        for file, data in zip(files, encoded, strict=True):
            write_durably(file, data)
        return files

    def _say(self, what: object) -> None:
        with self._progress.aside():
            self._console.print(what)
