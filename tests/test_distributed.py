"""Collectives against one process that sees all: values and gradients, with uneven shares."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor

from sfcmt.distributed import (
    GroupError,
    averaged,
    gathered,
    is_main,
    main_says,
    own_device,
    pooled,
    rank,
    share,
    summed,
    workers,
)
from sfcmt.errors import DataError
from tests.groups import in_group

pytestmark = pytest.mark.slow

WORKERS, ROWS = 3, 8  # shares of 3, 3 and 2
SHARES = (slice(0, 3), slice(3, 6), slice(6, 8))
Found = dict[str, Any]


def values(seed: int) -> Tensor:
    return torch.randn(ROWS, 5, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


X, C = values(0), values(1)


def loss_of(whole: Tensor, worker: int) -> Tensor:
    """Another one for each worker, that mixes all rows."""
    return ((whole * C) @ (whole + worker).T).square().mean()


def collectives() -> Found:
    """What one worker finds."""
    found: Found = {"workers": workers(), "rank": rank(), "main": is_main(), "rows": share(torch.arange(ROWS))}
    part = share(X).clone().requires_grad_()
    whole = gathered(part, ROWS)
    loss_of(whole, rank()).backward()  # type: ignore[no-untyped-call]
    found |= {"whole": whole.detach(), "whole.grad": part.grad}
    part = share(X).clone().requires_grad_()
    total = summed(part.mean(dim=0).square())
    ((rank() + 1) * total.prod()).backward()  # type: ignore[no-untyped-call]
    found |= {"total": total.detach(), "total.grad": part.grad}
    part = share(X).clone().requires_grad_()
    mean = averaged(part.square().mean(), len(part), ROWS)
    mean.square().backward()  # type: ignore[no-untyped-call]
    found |= {"mean": mean.detach(), "mean.grad": part.grad}
    part = share(X).clone().requires_grad_()
    variance_C, mean_C = torch.var_mean(part, dim=0, correction=0)
    moments = pooled(mean_C, variance_C, len(part))
    (moments[0].sin() + moments[1].square()).sum().backward()  # type: ignore[no-untyped-call]
    found |= {"moments": [moment.detach() for moment in moments], "moments.grad": part.grad}
    found["kinds"] = {
        kind: gathered(share(X.to(kind)), ROWS) for kind in (torch.float16, torch.bfloat16, torch.int64, torch.float32)
    }
    found["flags"] = [main_says(is_main(), torch.device("cpu")), main_says(not is_main(), torch.device("cpu"))]
    try:
        share(torch.arange(2))
    except DataError as error:
        found["error"] = str(error)
    try:
        gathered(X, ROWS)
    except GroupError as error:
        found["whole batch"] = str(error)
    return found


@pytest.fixture(scope="module")
def found() -> list[Found]:
    return in_group(WORKERS, collectives)


def test_workers_share_a_batch_in_order(found: list[Found]) -> None:
    assert [one["rows"].tolist() for one in found] == [[0, 1, 2], [3, 4, 5], [6, 7]]
    assert [(one["workers"], one["rank"], one["main"]) for one in found] == [(3, 0, True), (3, 1, False), (3, 2, False)]
    assert found[2]["whole batch"] == "8 of 8 images from worker 3, whose share is 2"
    assert {one["error"] for one in found} == {"2 images cannot be shared by 3 workers; use fewer, or a larger batch"}


def test_what_is_gathered_is_the_whole_in_order_to_the_last_bit(found: list[Found]) -> None:
    for one in found:
        assert torch.equal(one["whole"], X)
        for kind, whole in one["kinds"].items():
            assert torch.equal(whole, X.to(kind)), kind


def test_gradients_of_the_gathered_are_sums_over_the_workers_losses(found: list[Found]) -> None:
    whole = X.clone().requires_grad_()
    sum(loss_of(whole, worker) for worker in range(WORKERS)).backward()  # type: ignore[union-attr]
    assert whole.grad is not None
    for one, rows in zip(found, SHARES, strict=True):
        torch.testing.assert_close(one["whole.grad"], whole.grad[rows])


def test_sums_and_their_gradients(found: list[Found]) -> None:
    whole = X.clone().requires_grad_()
    total = torch.stack([whole[rows].mean(dim=0).square() for rows in SHARES]).sum(dim=0)
    ((1 + 2 + 3) * total.prod()).backward()  # type: ignore[no-untyped-call]
    assert whole.grad is not None
    for one, rows in zip(found, SHARES, strict=True):
        torch.testing.assert_close(one["total"], total.detach())
        torch.testing.assert_close(one["total.grad"], whole.grad[rows])


def test_means_of_uneven_shares_are_those_of_the_whole(found: list[Found]) -> None:
    whole = X.clone().requires_grad_()
    mean = whole.square().mean()
    (WORKERS * mean.square()).backward()  # type: ignore[no-untyped-call]
    assert whole.grad is not None
    for one, rows in zip(found, SHARES, strict=True):
        torch.testing.assert_close(one["mean"], mean.detach())
        torch.testing.assert_close(one["mean.grad"], whole.grad[rows])


def test_pooled_moments_are_those_of_the_whole(found: list[Found]) -> None:
    whole = X.clone().requires_grad_()
    mean = whole.sum(dim=0) / ROWS
    variance = (whole - mean).square().sum(dim=0) / ROWS
    (WORKERS * (mean.sin() + variance.square())).sum().backward()  # type: ignore[no-untyped-call]
    assert whole.grad is not None
    for one, rows in zip(found, SHARES, strict=True):
        torch.testing.assert_close(one["moments"], [mean.detach(), variance.detach(), torch.tensor(8.0).double()])
        torch.testing.assert_close(one["moments.grad"], whole.grad[rows])


def test_all_workers_hear_what_the_main_one_says(found: list[Found]) -> None:
    assert [one["flags"] for one in found] == [[True, False]] * WORKERS


def test_without_a_group_everything_is_left_as_it_is() -> None:
    assert (workers(), rank(), is_main()) == (1, 0, True)
    assert gathered(X, ROWS) is X
    assert summed(X) is X
    assert averaged(X, 3, ROWS) is X
    assert torch.equal(share(X), X)
    assert main_says(True, torch.device("cpu"))
    assert own_device(torch.device("cuda")) == torch.device("cuda")
    variance_C, mean_C = torch.var_mean(X, dim=0, correction=0)
    torch.testing.assert_close(pooled(mean_C, variance_C, ROWS)[:2], (mean_C, variance_C))
