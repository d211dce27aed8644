"""How a study is run again: its checked spec and experiment as YAML, and the commands."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass

import yaml

from reports.sources.ablation import AblationResults
from reports.sources.evidence import MISSING
from reports.sources.results import Results

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
    is_ablation = isinstance(results, AblationResults)
    verb = "ablate" if is_ablation else "tune"
    overrides = [f"data={saved['data']['folder']}", f"runtime.store={saved['runtime']['store']}"]
    commands = [
        _checkout(results.provenance.commit),
        f"cd {FOLDER}",
        shlex.join(["sfcmt", verb, f"{name}.yaml", *overrides]),
        *(
            []
            if is_ablation
            else [shlex.join(["sfcmt", "score", results.folder.name, "--store", saved["runtime"]["store"]])]
        ),
        shlex.join(["sfcmt", "report", results.folder.name, "--store", saved["runtime"]["store"]]),
    ]
    return Reproduction(
        {f"{name}.yaml": _yaml(spec), spec["experiment"]: _yaml(experiment)},
        tuple(commands),
    )


def _checkout(commit: str) -> str:
    """How to get the code; what is no commit can only be told."""
    if commit == MISSING:
        return f"# git commit: {MISSING} (the study did not write it down)"
    return f"git checkout {commit}" if re.fullmatch(r"[0-9a-f]{40}", commit) else f"# code: {commit}"


def _yaml(document: object) -> str:
    text: str = yaml.safe_dump(document, sort_keys=False, allow_unicode=True, width=110)
    return text
