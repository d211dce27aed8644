"""Label-free scores of trained target models: of one model (to drive a search), or over a pool (to pick from it).

Higher is better for each of them. All of them, of other packages too, see the target images that a model has learned
from, and none that are held out: nothing is chosen by these, so that they stay like images to come. A validator whose
form or constants were settled by looking at labels of some data sets declares these by `shaped_on`: how well it chooses
there says nothing of how well it does elsewhere.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any, Protocol, TypeVar, cast

from sfcmt.few_labels import BY_FEW_LABELS
from sfcmt.grounding.gate import ASSOCIATION, GATED, SHAPED_ON
from sfcmt.outputs import Outputs
from sfcmt.registry import PluginError, Registry


class Validator(Protocol):
    """Scores one model by its outputs; higher is better."""

    def __call__(self, outputs: Outputs) -> float: ...


class PoolValidator(Protocol):
    """Scores each model of a pool by the outputs of all; higher is better."""

    def __call__(self, pool: Sequence[Outputs]) -> list[float]: ...


_ON_PAIRS, _SHAPED_ON = "on_pairs", "shaped_on"
_RESERVED = ("anchor_agreement",)
"""Made of a search's anchors: of no file, and shaped on nothing."""
V = TypeVar("V", bound=Callable[[Any], Any])


def on_images_adapted_to(validator: V) -> V:
    """Decorator: a validator, of one model or a pool, that is handed outputs without the images that are held out."""

    @wraps(validator)
    def validate(outputs: Outputs | Sequence[Outputs]) -> Any:
        return validator(outputs.adapted_to if isinstance(outputs, Outputs) else [one.adapted_to for one in outputs])

    return cast("V", validate)


class ValidatorRegistry(Registry[V]):
    """Validators: whoever looks one up gets it `on_images_adapted_to`."""

    def register(self, name: str) -> Callable[[V], V]:
        """Decorator: add a member under `name`."""
        add = super().register(name)

        def add_so(validator: V) -> V:
            add(on_images_adapted_to(validator))
            return validator

        return add_so


VALIDATORS: Registry[Validator] = ValidatorRegistry("validator", "sfcmt.validators", reserved=_RESERVED)
POOL_VALIDATORS: Registry[PoolValidator] = ValidatorRegistry("pool validator", "sfcmt.validators.pool")


def on_pairs(validator: Validator) -> Validator:
    """Decorator: a validator of one model that looks at held-out TI pairs."""
    setattr(validator, _ON_PAIRS, True)
    return validator


def shaped_on(*sets: str) -> Callable[[V], V]:
    """Decorator: the data sets that a validator was shaped on, each `NAME`, or `NAME@DIGEST` with 12 digits or more.

    A data set is that one if its manifest has the name, or its digest begins so, under whatever name it was imported.
    """

    def declare(validator: V) -> V:
        setattr(validator, _SHAPED_ON, sets)
        return validator

    return declare


def shapers(name: str) -> tuple[str, ...] | None:
    """What the validator `name` declares by `shaped_on`; None if it is not installed here, or cannot be imported."""
    if name in _RESERVED:
        return ()
    if name == ASSOCIATION:
        return SHAPED_ON
    if name.startswith(GATED):
        return (*SHAPED_ON, *(shapers(name.removeprefix(GATED)) or ()))
    if name.startswith(BY_FEW_LABELS):
        return shapers(name.removeprefix(BY_FEW_LABELS))
    registry: Registry[Validator] | Registry[PoolValidator] = VALIDATORS if name in VALIDATORS else POOL_VALIDATORS
    try:
        return getattr(registry[name], _SHAPED_ON, ()) if name in registry else None
    except PluginError:  # a finished study is shown without it
        return None


def has_seen(name: str, data: str, digest: str) -> bool:
    """Whether a validator was shaped on the data set of that name and digest."""
    declared = [one.partition("@") for one in shapers(name) or ()]
    return any(known == data or (bool(start) and digest.startswith(start)) for known, _, start in declared)


def validators_for(has_pairs: bool) -> dict[str, Validator]:
    """The validators of one model, by name: all, or those that say something where there are no TI pairs."""
    return {name: one for name, one in VALIDATORS.items() if has_pairs or not hasattr(one, _ON_PAIRS)}


def scores_of(outputs: Outputs) -> dict[str, float]:
    """What every validator of one model that has something to say of it says, by name."""
    return {name: validator(outputs) for name, validator in validators_for(outputs.has_pairs).items()}
