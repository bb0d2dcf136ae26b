"""Arrays of more than 2^31 elements, on a real device that has room for them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from striate import _backend, ops

ELEMENTS = (1 << 31) + 42  # a multiple of 5


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
    "pad": (lambda x: ops.pad(x[None, None, None], (0, 1))[0, 0, 0, 1:-1], lambda x: x),
    "avg_pool1d": (lambda x: ops.avg_pool1d(x[None, None], 1)[0, 0], lambda x: x),
    "prelu": (
        lambda x: ops.prelu(x.reshape(-1, 5), x.new_full((5,), 0.5)),
        lambda x: x.clamp_min(0) + x.clamp_max(0) / 2,
    ),
    "softmax": (lambda x: ops.softmax(x.reshape(-1, 5)), lambda x: x.reshape(-1, 5).softmax(1)),
    "mse_loss": (lambda x: ops.mse_loss(x, x * 0, reduction="sum")[1], lambda x: 2 * x),
}
# In which results may differ.
TOLERANCE = {"softmax": 1e-5}


@pytest.mark.parametrize("name", sorted(CALLS))
def test_elements_beyond_two_to_the_31st(name: str, torch: Any) -> None:
    x = torch.randn(ELEMENTS, device="cuda")
    ours, theirs = CALLS[name]
    assert ends(ours(x)) == pytest.approx(ends(theirs(x)), rel=TOLERANCE.get(name, 0), abs=0)


def test_a_step_of_more_than_two_to_the_31st(torch: Any) -> None:
    params, grads = (torch.randn(ELEMENTS, device="cuda") for _ in range(2))
    want = [p - g / 4 for p, g in zip(ends(params), ends(grads), strict=True)]
    ops.sgd_step([params], [grads], None, lr=0.25)
    assert ends(params) == pytest.approx(want, rel=1e-5, abs=1e-6)


@pytest.mark.parametrize("channels", [1, 32])
def test_a_convolution_of_more_than_two_to_the_31st(channels: int, torch: Any) -> None:
    """Direct, and as a matrix product: of the last sample everything is looked at."""
    size = 1 << 10
    batch = (1 << 31) // (channels * size * size) + 1
    x = torch.randn((batch, channels, size, size), device="cuda")
    w = torch.randn((2, channels, 1, 1), device="cuda")
    y = ops.conv2d(x, w)
    want = torch.einsum("chw,oc->ohw", x[-1].double(), w[:, :, 0, 0].double())
    assert float((y[-1] - want).abs().max()) <= 1e-3 * float(want.abs().max())
    dx = ops.conv2d_input_grad(y, w, tuple(x.shape))
    want = torch.einsum("ohw,oc->chw", y[-1].double(), w[:, :, 0, 0].double())
    assert float((dx[-1] - want).abs().max()) <= 1e-3 * float(want.abs().max())


def test_a_sum_of_more_than_two_to_the_31st(torch: Any) -> None:
    ones = torch.ones((1, 1, ELEMENTS), device="cuda", dtype=torch.float64)
    assert float(ops.bias_grad(ones)[0]) == ELEMENTS
