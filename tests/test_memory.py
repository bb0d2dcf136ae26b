"""The pool of buffers: reuse, counters, its limit, and steps that ask the system for nothing."""

from __future__ import annotations

import gc
import subprocess
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

import striate
from striate import _verify, ops
from striate._registry import OPS

KEYS = {
    "in_use_bytes",
    "cached_bytes",
    "peak_bytes",
    "limit_bytes",
    "system_allocations",
    "reuses",
}


@pytest.fixture(autouse=True)
def _clean() -> Iterator[None]:
    gc.collect()
    striate.empty_cache()
    yield
    gc.collect()


def stat(key: str) -> int:
    return striate.memory_stats()[key]


def test_stats_have_their_keys() -> None:
    stats = striate.memory_stats()
    assert set(stats) == KEYS
    assert all(type(value) is int and value >= 0 for value in stats.values())


def test_a_freed_buffer_is_used_again() -> None:
    x = np.ones(50_000)
    y = ops.relu(x)
    address, before = y.ctypes.data, striate.memory_stats()
    assert address % 64 == 0
    del y
    assert stat("cached_bytes") - before["cached_bytes"] >= x.nbytes
    assert before["in_use_bytes"] - stat("in_use_bytes") >= x.nbytes
    y = ops.relu(x)
    assert y.ctypes.data == address
    assert stat("reuses") == before["reuses"] + 1
    assert stat("system_allocations") == before["system_allocations"]


def test_peak_is_the_highest_use() -> None:
    x = np.ones(100_000)
    held = [ops.relu(x) for _ in range(3)]
    top = stat("in_use_bytes")
    assert stat("peak_bytes") >= top >= 3 * x.nbytes
    del held
    assert stat("peak_bytes") >= top
    assert stat("in_use_bytes") < top


def test_a_buffer_lives_as_long_as_a_view_of_it() -> None:
    x = np.arange(50_000.0)
    y = ops.relu(x)
    address, view = y.ctypes.data, y[1::3][:10_000].reshape(-1, 2).T
    want = view.copy()
    del y
    others = [ops.relu(-x - 1) for _ in range(5)]
    assert all(other.ctypes.data != address for other in others)
    assert np.array_equal(view, want)


def test_a_result_can_be_written_to_and_outlives_its_inputs() -> None:
    y = ops.relu(np.ones(1000))
    assert y.flags.writeable
    y += 1
    assert (y == 2).all()


def test_empty_cache_returns_everything() -> None:
    del_me = ops.relu(np.ones(100_000))
    del del_me
    assert stat("cached_bytes") > 0
    striate.empty_cache()
    assert stat("cached_bytes") == 0


@pytest.mark.parametrize("size", [0, 1, 15, 16, 17, 1000, 2**20, 2**20 + 1, 3 * 2**20])
def test_every_size_is_aligned_and_its_own(size: int) -> None:
    x = np.arange(float(size))
    first, second = ops.relu(x), ops.relu(x)
    assert first.ctypes.data % 64 == second.ctypes.data % 64 == 0
    assert np.array_equal(first, x)
    if size:
        assert not np.shares_memory(first, second)


LIMITED = """
import numpy as np, striate
from striate import ops
assert striate.memory_stats()["limit_bytes"] == 1 << 20
for n in (1000, 50_000, 100_000, 500_000, 1000, 70_000):
    held = [ops.relu(np.ones(n)) for _ in range(4)]
    del held
    assert striate.memory_stats()["cached_bytes"] <= 1 << 20
print(striate.memory_stats()["cached_bytes"] > 0)
"""


def test_environment_limits_the_cache(
    python: Callable[..., subprocess.CompletedProcess[str]],
) -> None:
    done = python(LIMITED, STRIATE_POOL_MB="1")
    assert done.stdout.split() == ["True"], done.stderr


@pytest.mark.parametrize("text", ["0", "-1", "much", str(2**44)])
def test_a_wrong_limit_is_an_error(
    python: Callable[..., subprocess.CompletedProcess[str]], text: str
) -> None:
    done = python("import striate", STRIATE_POOL_MB=text)
    assert "ImportError: STRIATE_POOL_MB" in done.stderr


def system_allocations(work: Callable[[], Any], threads: Callable[[int], None]) -> int:
    """How often the third and later rounds ask the system."""
    threads(2)
    for _ in range(2):
        work()
    before = stat("system_allocations")
    for _ in range(5):
        work()
    return stat("system_allocations") - before


@pytest.mark.parametrize("name", sorted(OPS))
def test_a_repeated_call_allocates_nothing(name: str, threads: Callable[[int], None]) -> None:
    op = OPS[name]
    calls = [sample.cast(np.float32) for sample in _verify.samples(op)]

    def work() -> None:
        for call in calls:
            op.function(*call.args, **call.kwargs)

    assert system_allocations(work, threads) == 0


def test_a_training_step_allocates_nothing(
    threads: Callable[[int], None], rng: np.random.Generator
) -> None:
    from striate import losses, nn, optim

    net = nn.Sequential(
        nn.Conv2d(1, 8, 3, padding=1, activation="relu", rng=0),
        nn.LocalResponseNorm(5, alpha=1e-2),
        nn.MaxPool2d(3, stride=2),
        nn.Flatten(),
        nn.Dropout(0.5, rng=1),
        nn.Linear(8 * 3 * 3, 10, rng=2),
    )
    opt = optim.SGD(net.parameters(), lr=0.01, momentum=0.9)
    x = rng.standard_normal((16, 1, 8, 8)).astype(np.float32)
    labels = rng.integers(0, 10, 16)

    def step() -> None:
        opt.zero_grad()
        y, pullback = net.vjp(x)
        _, dy = losses.cross_entropy(y, labels)
        pullback(dy, input_grad=False)
        opt.step()

    assert system_allocations(step, threads) == 0
