"""How a study is run again: its checked spec and experiment as YAML, and the commands."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass

import yaml

from sfcmt.reports.sources.ablation import AblationResults
from sfcmt.reports.sources.evidence import MISSING
from sfcmt.reports.sources.results import Results
from sfcmt.reports.sources.search import SearchResults

FOLDER = "reproduce"
_EXPERIMENT = "experiment/{}.yaml"
"""In a folder of its own: spec and experiment often have one name."""


@dataclass(frozen=True)
class Reproduction:
    """Files by name, to be in one folder, and the commands that use them there."""

    files: dict[str, str]
    commands: tuple[str, ...]


def reproduction_of(results: Results) -> Reproduction:
    """A study of the same identity: what the spec sets and overrides is in the experiment's file already.

    The database of an Optuna study, whose URL may hold a password, is left out.
    """
    name, saved = results.name, results.saved["experiment"]
    experiment = {section: fields for section, fields in saved.items() if section != "runtime"}
    experiment["data"] = {key: value for key, value in saved["data"].items() if key != "folder"}
    spec = {key: value for key, value in results.saved["spec"].items() if key not in ("method", "set", "storage")}
    spec["experiment"] = _EXPERIMENT.format(results.asked)
    store, verb = saved["runtime"]["store"], "ablate" if isinstance(results, AblationResults) else "tune"
    commands = [
        _checkout(results.provenance.commit),
        f"cd {FOLDER}",
        shlex.join(["sfcmt", verb, f"{name}.yaml", f"data={saved['data']['folder']}", f"runtime.store={store}"]),
        *(shlex.join(["sfcmt", one, results.folder.name, "--store", store]) for one in _afterwards(results)),
    ]
    return Reproduction(
        {f"{name}.yaml": _yaml(spec), spec["experiment"]: _yaml(experiment)},
        tuple(commands),
    )


def _afterwards(results: Results) -> Iterator[str]:
    """The verbs that follow once the runs are there."""
    if isinstance(results, SearchResults):
        if results.study.distilled():
            yield "distill"
        yield "score"
    yield "report"


def _checkout(commit: str) -> str:
    """How to get the code; what is no commit can only be told."""
    if commit == MISSING:
        return f"# git commit: {MISSING} (the study did not write it down)"
    return f"git checkout {commit}" if re.fullmatch(r"[0-9a-f]{40}", commit) else f"# code: {commit}"


def _yaml(document: object) -> str:
    text: str = yaml.safe_dump(document, sort_keys=False, allow_unicode=True, width=110)
    return text
