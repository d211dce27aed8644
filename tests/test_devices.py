"""How a GPU is set up, which needs none to be seen, and how tensors get to the device."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch

from sfcmt.config import Runtime
from sfcmt.devices import sent, set_up

Settings = tuple[str, bool, bool]


def settings() -> Settings:
    cudnn = torch.backends.cudnn
    return torch.get_float32_matmul_precision(), cudnn.allow_tf32, cudnn.benchmark


@pytest.fixture(autouse=True)
def before() -> Iterator[Settings]:
    precision, tf32, benchmark = settings()
    yield precision, tf32, benchmark
    torch.set_float32_matmul_precision(precision)
    torch.backends.cudnn.allow_tf32, torch.backends.cudnn.benchmark = tf32, benchmark


@pytest.mark.parametrize(("tf32", "precision"), [(True, "high"), (False, "highest")])
def test_a_gpu_rounds_products_as_the_runtime_says(tf32: bool, precision: str) -> None:
    set_up(torch.device("cuda"), Runtime(tf32=tf32))
    assert settings() == (precision, tf32, True)


@pytest.mark.parametrize("tf32", [True, False])
def test_a_cpu_stays_as_it_is(before: Settings, tf32: bool) -> None:
    set_up(torch.device("cpu"), Runtime(tf32=tf32))
    assert settings() == before


def test_what_is_there_is_not_sent() -> None:
    x = torch.ones(3)
    assert sent(x, torch.device("cpu")) is x
    assert sent(torch.ones(3, device="meta"), torch.device("meta")).device.type == "meta"
    assert sent(x, torch.device("meta")).device.type == "meta"
