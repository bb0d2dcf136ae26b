"""Arrays of more than 2^31 elements, on a real device that has room for them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from striate import _backend, ops

ELEMENTS = (1 << 31) + 37


@pytest.fixture
def torch() -> Any:
    problem = _backend.cuda_problem()
    if problem is not None:
        pytest.skip(problem)
    library: Any = pytest.importorskip("torch")
    library.cuda.empty_cache()
    if library.cuda.mem_get_info()[0] < 24 * ELEMENTS:
        pytest.skip("the device has less than 52 GB to spare")
    return library


def ends(array: Any) -> list[float]:
    """The first and the last elements, and those around 2^31."""
    places = (*range(4), *range((1 << 31) - 4, (1 << 31) + 4), *range(ELEMENTS - 4, ELEMENTS))
    flat = array.reshape(-1)
    return [float(flat[i]) for i in places]


CALLS: dict[str, tuple[Callable[[Any], Any], Callable[[Any], Any]]] = {
    "relu": (ops.relu, lambda x: x.clamp_min(0)),
    "add": (lambda x: ops.add(x, x), lambda x: x + x),
    "max_pool1d": (lambda x: ops.max_pool1d(x[None, None], 1)[0, 0], lambda x: x),
    "concat": (lambda x: ops.concat([x[:5], x[5:]], axis=0), lambda x: x),
}


@pytest.mark.parametrize("name", sorted(CALLS))
def test_elements_beyond_two_to_the_31st(name: str, torch: Any) -> None:
    x = torch.randn(ELEMENTS, device="cuda")
    ours, theirs = CALLS[name]
    assert ends(ours(x)) == ends(theirs(x))


def test_a_sum_of_more_than_two_to_the_31st(torch: Any) -> None:
    ones = torch.ones((1, 1, ELEMENTS), device="cuda", dtype=torch.float64)
    assert float(ops.bias_grad(ones)[0]) == ELEMENTS
