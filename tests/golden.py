"""A small result of every part that has a version, and what it was when that version was given.

Numbers and not digests of bytes: another CPU rounds in another way. To write those of parts that have changed on
purpose, after raising `VERSION` in their files: python -m tests.golden PART ...
"""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Callable, Iterator
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from sfcmt.callbacks import Callback
from sfcmt.config import Training
from sfcmt.data.augment import apply_views, random_views
from sfcmt.data.batches import shuffled
from sfcmt.data.dataset import Dataset
from sfcmt.data.holdout import stratified_holdout
from sfcmt.data.images import decode, encode_png, resize
from sfcmt.data.manifest import Normalisation
from sfcmt.evaluation.folds import folds_of
from sfcmt.evaluation.oracles import oracle_logits, supervised_recipe
from sfcmt.experiment import Experiment
from sfcmt.few_labels import FewLabels
from sfcmt.grounding import PARTS
from sfcmt.grounding.choice import choose
from sfcmt.grounding.evidence import PairEvidence
from sfcmt.grounding.gate import gate
from sfcmt.identity import version_of
from sfcmt.losses.information_maximisation import information_maximisation
from sfcmt.models.backbones import build_backbone
from sfcmt.models.bottleneck import BottleneckClassifier
from sfcmt.models.discriminator import Discriminator
from sfcmt.models.expected_input import ExpectedInput
from sfcmt.models.given import GivenSource
from sfcmt.models.normalise import Normalise
from sfcmt.models.sources import SOURCES
from sfcmt.models.tapped import TappedClassifier
from sfcmt.models.translators import TRANSLATORS
from sfcmt.models.translators.fixed import FIXED
from sfcmt.outputs import Outputs
from sfcmt.precision import Precision, in_float32
from sfcmt.pseudo_labels.weightings import WEIGHTINGS
from sfcmt.recipes import pair_evidence_recipe, translator_choice
from sfcmt.stages.learner import classifier_groups
from sfcmt.stages.method import METHODS
from sfcmt.stages.methods.tgkt import TGKT
from sfcmt.stages.optimiser import build_optimiser, rate_factor
from sfcmt.stages.terms import TERMS
from sfcmt.store import Store
from sfcmt.testing.outputs import random
from sfcmt.testing.tiny import get_or_train, tiny_experiment, write_tiny
from sfcmt.validators import POOL_VALIDATORS, VALIDATORS
from tests.grounding.worlds import world
from tests.stages.terms.examples import Example, example

_BROUGHT = ("timm resnet", "torchvision resnet", "hf vit", "python", "module", "folder")
"""Examples of source models that people bring, the kind first."""
FILE = Path(__file__).with_suffix(".json")
Numbers = list[float]


def numbers(*tensors: Tensor) -> Numbers:
    """Mean, deviation and a projection of each."""
    found: Numbers = []
    for tensor in tensors:
        flat = tensor.detach().double().flatten()
        found += [flat.mean().item(), flat.std().item(), (flat * torch.arange(len(flat)).cos()).sum().item()]
    return found


def images(*shape: int) -> Tensor:
    """Images of smooth waves, in [-1, 1]."""
    return torch.arange(float(np.prod(shape))).mul(0.37).sin().reshape(shape)


class Place:
    """The tiny data set, and a store."""

    def __init__(self, data: Path, store: Path, folder: Path) -> None:
        self.data, self._store, self._folder = data, store, folder

    def experiment(self, **changes: Any) -> Experiment[Any]:
        """Of the tiny data set."""
        return tiny_experiment(self.data, self._store, **changes)

    @cache  # noqa: B019  (as long as the tests)
    def step(self) -> Example:
        """One step of a transfer, and a look at all target images."""
        return example(self.data, self._store, self._folder)

    def trained(self, method: str) -> Numbers:
        """What a method's model says of the target images."""
        path = get_or_train("transfer", self.experiment().with_method(method)).path
        outputs = Outputs.load(path)
        return numbers(outputs.target_logits, outputs.target_features)

    def kind(self, kind: str) -> Numbers:
        """The losses of a training."""
        rows = get_or_train(kind, self.experiment()).curves
        return [value for row in rows for value in row.values()]

    def term(self, name: str) -> Numbers:
        """A term's loss."""
        one = self.step()
        makers = TGKT().makers(one.context)
        term = makers[name]() if name in makers else TERMS[name].make(one.context)
        term.start_epoch(one.survey())
        return [term(one.step).item()]


def _images(place: Place) -> Numbers:
    grey = (images(1, 37, 41) * 30000 + 32000).numpy().astype(np.uint16)
    colour = (images(3, 37, 41) * 120 + 127).numpy().astype(np.uint8)
    read = [decode(encode_png(pixels), "here") for pixels in (grey, colour)]
    small = [resize(pixels, 16, holes) for pixels in read for holes in (False, True)]
    return numbers(*(torch.from_numpy(pixels.astype(np.float64)) for pixels in small))


def _augment(place: Place) -> Numbers:
    views = random_views(6, 0.6, True, torch.Generator().manual_seed(0))
    return numbers(views, apply_views(images(6, 3, 16, 16), views))


def _batches(place: Place) -> Numbers:
    data = place.step().context.data
    order = shuffled(torch.arange(20), 8, 4, torch.Generator().manual_seed(0))
    return numbers(torch.cat(order), data.held_pair_rows, next(iter(_batch_rows(place))))


def _batch_rows(place: Place) -> Iterator[Tensor]:
    batch = place.step().batch
    yield torch.cat([batch.target_B, batch.pair_B])


def _precision(place: Place) -> Numbers:
    column, rows = place.step().context.data.target, torch.arange(6)
    views = random_views(6, 0.6, True, torch.Generator().manual_seed(0))
    with in_float32(column.device):
        logits_BK = Precision("bfloat16")(lambda x: x @ images(5, 3), images(4, 5))
        return numbers(logits_BK, information_maximisation(logits_BK).expand(2), column.augmented(rows, views))


def _holdout(place: Place) -> Numbers:
    labels = np.arange(40) % 7
    masks = [stratified_holdout([f"g{row // 2}" for row in range(40)], labels, fraction) for fraction in (0.15, 0.5)]
    return numbers(*map(torch.from_numpy, masks))


def _optimiser(place: Place) -> Numbers:
    found: list[Tensor] = []
    for name in ("adamw", "sgd"):
        training = Training.model_validate({"optimiser": name})
        weight = torch.nn.Parameter(images(5))
        optimiser = build_optimiser([{"params": [weight], "lr": 0.1}], training)
        for step in range(3):
            weight.grad = images(5) * (step + 1)
            optimiser.step()
        found.append(weight)
    factors = [rate_factor(Training.model_validate({"schedule": name}), 0.3) for name in ("cosine", "constant")]
    return numbers(*found) + factors


def _seeded(make: Callable[[], torch.nn.Module], *shape: int) -> Numbers:
    torch.manual_seed(0)
    model = make().eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.05 * images(*parameter.shape) if parameter.dim() else 0.05)
        said = model(images(*shape))
    return numbers(*(said if isinstance(said, tuple) else (said,)))


def _fixed(name: str, place: Place) -> Numbers:
    depth, source = Normalisation(mean=(2.0,), std=(0.5,)), Normalisation(mean=(120.0,) * 3, std=(60.0,) * 3)
    return numbers(FIXED[name](depth, "mask", source)((images(2, 1, 16, 16) + 1.5).clamp(min=0).float()))


def _choice(place: Place) -> Numbers:
    experiment = place.experiment(bridge={"translator": "auto"})
    (recipe,) = translator_choice(experiment, Dataset(place.data), 0)
    store = Store(experiment.runtime.store)
    return [*store.get_or_train(recipe, experiment.runtime, Callback()).metrics.values()]


def _pair_evidence(place: Place) -> Numbers:
    experiment = place.experiment()
    recipe = pair_evidence_recipe(experiment, Dataset(place.data), 0)
    assert recipe is not None
    found = PairEvidence.load(Store(experiment.runtime.store).get_or_train(recipe, experiment.runtime, Callback()).path)
    weak_nK = found.probabilities_MK[found.nearest_nk].mean(axis=1)  # an index would jump where two pairs are as near
    return numbers(torch.from_numpy(weak_nK), torch.from_numpy(found.probabilities_MK))


def _gate(place: Place) -> Numbers:
    known = world()
    pool = {str(recall): known.model(recall) for recall in (0.3, 0.6, 0.62)}
    found = gate(pool, known.evidence)
    choice = choose(pool, list(pool), found, POOL_VALIDATORS["ensv"])
    return [*found.associations.values(), found.chance, len(found.passed), len(found.tied), float(choice.winner)]


def _few_labels(place: Place) -> Numbers:
    few = FewLabels(tuple("abcd"), (0, 3, 5, 7), (0, 0, 1, 3), ("k", "l", "m", "n"))
    return [few.weight, few.combined(few.accuracy(random(12, 4)), 0.3)]


def _learner(place: Place) -> Numbers:
    model, config = BottleneckClassifier("small", 3), place.experiment().transfer
    return [value for group in classifier_groups(model, config) for value in (group["lr"], len(group["params"]))]


def _given(name: str, place: Place, **fields: Any) -> Numbers:
    """What a model that somebody brings says, made by the example of that name."""
    from tests.models.sources.test_contract import EXAMPLES

    with tempfile.TemporaryDirectory() as folder:
        config = EXAMPLES[name](Path(folder)).config
        classifier, _ = GivenSource(config.model_validate(config.model_dump() | fields)).classifier(32)
        return _said(classifier)


def _said(classifier: torch.nn.Module) -> Numbers:
    with torch.no_grad():
        return numbers(*classifier.eval()(images(2, 3, 32, 32)))


def _tent(place: Place) -> Numbers:
    """All images are reliable: logits are made large."""
    from sfcmt.stages.tent import adapt_affines
    from tests.models.sources.networks import timm_network

    context = place.step().context
    network = timm_network("test_convnext")
    classifier = TappedClassifier.of(network, None, 32, **_SPEC)
    with torch.no_grad():
        classifier.head[0].weight.mul_(20)
    assert adapt_affines(classifier, context.data.target, torch.arange(60)) > 0
    return _said(classifier)


_SPEC: dict[str, Any] = {
    "kind": "timm",
    "arguments": {"name": "test_convnext", "outputs": 3, "size": None},
    "groups": None,
    "merge": "logsumexp",
    "input": ExpectedInput(),
}


def _weighting(name: str, place: Place) -> Numbers:
    weighting = WEIGHTINGS[name](3, 0.5).train()
    p_BK = torch.stack([images(8, 3) * 3, images(8, 3).flip(0) * 2]).softmax(dim=2)
    return numbers(*(weighting(one) for one in p_BK))


def _oracle(place: Place) -> Numbers:
    from sfcmt.callbacks import Callback
    from sfcmt.store import Store

    experiment = place.experiment(source={"epochs": 1})
    recipe = supervised_recipe(experiment, Dataset(place.data), 0)
    store = Store(experiment.runtime.store)
    return numbers(oracle_logits(store.get_or_train(recipe, experiment.runtime, Callback())))


def probes() -> dict[str, Callable[[Place], Numbers]]:
    """How to try each part, by its module."""
    normalise = Normalise(Normalisation(mean=(0.2,), std=(0.5,)), "mask")
    found: dict[str, Callable[[Place], Numbers]] = {
        "sfcmt.data.images": _images,
        "sfcmt.data.augment": _augment,
        "sfcmt.data.batches": _batches,
        "sfcmt.precision": _precision,
        "sfcmt.data.holdout": _holdout,
        "sfcmt.models.normalise": lambda place: numbers(normalise(images(2, 1, 8, 8).clamp(min=0))),
        "sfcmt.models.backbones": lambda place: _seeded(partial(build_backbone, "small"), 2, 3, 32, 32),
        "sfcmt.models.bottleneck": lambda place: _seeded(partial(BottleneckClassifier, "small", 3), 2, 3, 32, 32),
        "sfcmt.models.classifier": lambda place: _seeded(partial(BottleneckClassifier, "small", 3), 2, 3, 32, 32),
        "sfcmt.models.class_outputs": partial(_given, "timm resnet", classes={"a": [0, 2], "b": [1]}),
        "sfcmt.models.input_map": partial(_given, "timm resnet", input={"order": "bgr", "range": 255}),
        "sfcmt.models.tap": partial(_given, "hf deit"),
        "sfcmt.models.tapped": partial(_given, "timm vit"),
        "sfcmt.stages.given_source": partial(_given, "timm resnet"),
        "sfcmt.stages.tent": _tent,
        "sfcmt.models.discriminator": lambda place: _seeded(partial(Discriminator, 256), 4, 256),
        "sfcmt.stages.learner": _learner,
        "sfcmt.stages.optimiser": _optimiser,
        "sfcmt.stages.fit": lambda place: place.kind("source"),
        "sfcmt.stages.source": lambda place: place.kind("source"),
        "sfcmt.stages.bridge": lambda place: place.kind("bridge"),
        "sfcmt.stages.transfer": lambda place: place.kind("transfer"),
        "sfcmt.stages.student": lambda place: place.kind("transfer"),
        "sfcmt.stages.translator_choice": _choice,
        "sfcmt.stages.teacher": lambda place: place.kind("transfer"),
        "sfcmt.evaluation.oracles": _oracle,
        "sfcmt.evaluation.folds": lambda place: numbers(folds_of([*map(str, range(20))], [0, 1, 1, 2, 2] * 4).float()),
    }
    found |= {METHODS.module(name): partial(lambda name, place: place.trained(name), name) for name in METHODS}
    found |= {
        TRANSLATORS.module(name): partial(
            lambda name, place: _seeded(partial(TRANSLATORS[name], 1), 2, 1, 16, 16), name
        )
        for name in TRANSLATORS
    }
    found |= {FIXED.module(name): partial(_fixed, name) for name in FIXED}
    found["sfcmt.models.fixed_translator"] = partial(_fixed, "inverse")
    found |= {WEIGHTINGS.module(name): partial(_weighting, name) for name in WEIGHTINGS}
    kinds = {name.partition(" ")[0]: name for name in _BROUGHT}
    found |= {SOURCES.module(kind): partial(_given, name) for kind, name in kinds.items()}
    found |= {TERMS.module(name): partial(lambda name, place: place.term(name), name) for name in TERMS}
    found |= {VALIDATORS.module(name): partial(_validator, name) for name in VALIDATORS}
    found |= dict.fromkeys(PARTS, _gate) | {"sfcmt.stages.pair_evidence": _pair_evidence}
    found["sfcmt.few_labels"] = _few_labels
    return found | {POOL_VALIDATORS.module(name): partial(_pool_validator, name) for name in POOL_VALIDATORS}


def _validator(name: str, place: Place) -> Numbers:
    return [VALIDATORS[name](random(12, 4))]


def _pool_validator(name: str, place: Place) -> Numbers:
    return POOL_VALIDATORS[name]([random(12, 4), random(12, 4, seed=1), random(12, 4, seed=2)])


def main() -> None:
    """Write the results of the parts that are named, and say so."""
    if unknown := [part for part in sys.argv[1:] if part not in probes()]:
        raise SystemExit(
            f"{', '.join(unknown)}: no such part, which is a term and not its loss; parts: {', '.join(probes())}"
        )
    golden = json.loads(FILE.read_text()) if FILE.is_file() else {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        place = Place(write_tiny(folder / "data"), folder / "store", folder / "step")
        for part, probe in probes().items():
            if part in sys.argv[1:]:
                golden[part] = {"version": version_of(part), "numbers": probe(place)}
                print(f"{part}: version {golden[part]['version']}, in {FILE}")
    FILE.write_text(json.dumps(dict(sorted(golden.items())), indent=1) + "\n")


if __name__ == "__main__":
    main()
