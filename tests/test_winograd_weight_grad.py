"""Winograd's weight gradient, on shapes that choose it: see csrc/core/plan/conv.cpp."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import striate
from striate import ops, reference

# x, outputs, taps, and how the window moves. The first need one slice, the others several.
SHAPES: dict[str, tuple[tuple[int, int, int, int], int, int, dict[str, Any]]] = {
    "odd": ((3, 37, 13, 11), 43, 3, {"padding": 1}),
    "asymmetric padding": ((2, 33, 17, 9), 40, 3, {"padding": ((0, 3), (5, 1))}),
    "groups": ((2, 144, 13, 13), 150, 3, {"padding": 1, "groups": 2}),
    "batch 1": ((1, 64, 15, 14), 48, 3, {"padding": "same"}),
    "several blocks": ((10, 300, 15, 17), 520, 3, {}),
    "slices": ((7, 35, 23, 29), 97, 3, {"padding": 1}),
    "wide rows": ((1, 40, 5, 1031), 36, 3, {"padding": 2}),
    "five taps": ((19, 60, 15, 13), 70, 5, {"padding": 2}),
    "five taps, batch 1": ((1, 50, 27, 28), 70, 5, {"padding": 2}),
    "five taps, several blocks": ((3, 130, 31, 33), 330, 5, {"padding": 2}),
    "five taps, wide rows": ((1, 70, 5, 1031), 66, 5, {"padding": ((2, 4), (3, 0))}),
    "stride 2": ((3, 96, 31, 31), 65, 3, {"padding": 1, "stride": 2}),
    "stride 2, asymmetric padding": (
        (2, 96, 31, 26),
        70,
        3,
        {"padding": ((0, 3), (4, 1)), "stride": 2},
    ),
    "stride 2, groups": ((3, 192, 31, 30), 160, 3, {"padding": 1, "groups": 2, "stride": 2}),
    "stride 2, several blocks": ((9, 300, 33, 33), 400, 3, {"stride": 2}),
    "stride 2, slices": ((7, 70, 47, 48), 97, 3, {"padding": 1, "stride": 2}),
    "stride 2, wide rows": ((1, 70, 13, 1031), 66, 3, {"padding": 2, "stride": 2}),
    "five taps, groups": ((7, 120, 27, 25), 132, 5, {"padding": ((1, 4), (0, 2)), "groups": 2}),
}


def go_without() -> None:
    """What is then computed is what a result that is not finite falls back to."""
    striate.set_precision("exact")
    striate.set_max_workspace(0)


def arguments(
    shape: str, fill: Callable[[np.random.Generator, tuple[int, ...]], Any] | None = None
) -> tuple[Any, Any, tuple[int, ...], dict[str, Any]]:
    rng = np.random.default_rng(7)
    fill = fill or (lambda rng, size: rng.standard_normal(size))
    x_shape, outputs, taps, window = SHAPES[shape]
    w_shape = (outputs, x_shape[1] // window.get("groups", 1), taps, taps)
    x = fill(rng, x_shape).astype(np.float32)
    y_shape = ops.conv2d(x, np.zeros(w_shape, np.float32), **window).shape
    dy = fill(rng, y_shape).astype(np.float32)
    plan = striate.explain("conv2d_weight_grad", dy, x, w_shape, **window)
    assert "Winograd" in plan.algorithm
    return dy, x, w_shape, window


def error(dw: Any, dy: Any, x: Any, w_shape: Any, window: Any) -> float:
    exact = reference.conv2d_weight_grad(dy.astype(float), x.astype(float), w_shape, **window)
    return float(np.abs(dw - exact).max() / np.abs(exact).max())


@pytest.mark.parametrize("shape", SHAPES)
def test_agrees_with_float64(shape: str, isa: str) -> None:
    dy, x, w_shape, window = arguments(shape)
    dw = ops.conv2d_weight_grad(dy, x, w_shape, **window)
    assert error(dw, dy, x, w_shape, window) < 1e-5, isa


@pytest.mark.parametrize("shape", SHAPES)
def test_masks_dy_by_the_output_of_relu(shape: str, isa: str) -> None:
    dy, x, w_shape, window = arguments(shape)
    y = np.maximum(np.random.default_rng(8).standard_normal(dy.shape), 0).astype(np.float32)
    dw = ops.conv2d_weight_grad(dy, x, w_shape, **window, y=y)
    masked = ops.conv2d_weight_grad(np.where(y > 0, dy, 0), x, w_shape, **window)
    np.testing.assert_array_equal(dw, masked, isa)


@pytest.mark.parametrize("shape", SHAPES)
def test_threads_do_not_change_the_bits(shape: str, threads: Callable[[int], None]) -> None:
    dy, x, w_shape, window = arguments(shape)
    results = []
    for count in (1, 2, 5):
        threads(count)
        results.append(ops.conv2d_weight_grad(dy, x, w_shape, **window).tobytes())
    assert results[0] == results[1] == results[2]


# Errors grow with the terms' size beside their sum: an offset cancels in no direction here.
@pytest.mark.parametrize("shape", ["odd", "slices", "five taps", "stride 2"])
@pytest.mark.parametrize(
    ("data", "bound"),
    [
        (lambda rng, size: rng.uniform(0, 1, size), 1e-5),
        (lambda rng, size: 100 + rng.standard_normal(size), 1e-5),
        (lambda rng, size: rng.standard_normal(size) * (rng.random(size) < 0.05), 1e-5),
        (lambda rng, size: rng.standard_normal(size) * np.exp(4 * rng.standard_normal(size)), 1e-5),
    ],
    ids=["uniform", "offset", "sparse", "heavy tails"],
)
def test_the_error_is_bounded_on_other_data(shape: str, data: Any, bound: float) -> None:
    dy, x, w_shape, window = arguments(shape, data)
    dw = ops.conv2d_weight_grad(dy, x, w_shape, **window)
    assert error(dw, dy, x, w_shape, window) < bound


# Its mean square tells what one greatest error cannot: whether sums in registers stay short.
def test_seven_points_lose_little_more_than_six(isa: str) -> None:
    dy, x, w_shape, window = arguments("five taps, groups")
    dw = ops.conv2d_weight_grad(dy, x, w_shape, **window)
    exact = reference.conv2d_weight_grad(dy.astype(float), x.astype(float), w_shape, **window)
    assert np.sqrt(np.square(dw - exact).mean()) / np.abs(exact).max() < 3e-7, isa


@pytest.mark.parametrize("shape", ["odd", "slices", "five taps", "stride 2"])
@pytest.mark.parametrize("value", [np.inf, -np.inf, np.nan])
def test_what_is_not_finite_spreads_no_further_than_in_direct_sums(
    shape: str, value: float, isa: str
) -> None:
    dy, x, w_shape, window = arguments(shape)
    x[-1, 5, 3, 4] = value
    dw = ops.conv2d_weight_grad(dy, x, w_shape, **window)
    assert not np.isfinite(dw[:, 5]).all(), isa
    assert np.isfinite(np.delete(dw, 5, axis=1)).all(), isa
    go_without()
    np.testing.assert_array_equal(dw, ops.conv2d_weight_grad(dy, x, w_shape, **window), isa)


def test_sums_that_only_the_transform_overflows_are_computed_directly() -> None:
    dy, x, w_shape, window = arguments("odd", lambda rng, size: np.zeros(size))
    dy[0, 0, :4, :4] = 1
    x[0, 0, :6, :6] = 1e38 * np.where(np.add.outer(np.arange(6), np.arange(6)) % 2, 1, -1)
    dw = ops.conv2d_weight_grad(dy, x, w_shape, **window)
    go_without()
    np.testing.assert_array_equal(dw, ops.conv2d_weight_grad(dy, x, w_shape, **window))
    assert np.isfinite(dw).all()


def test_exact_precision_goes_without() -> None:
    dy, x, w_shape, window = arguments("slices")
    striate.set_precision("exact")
    plan = striate.explain("conv2d_weight_grad", dy, x, w_shape, **window)
    assert plan.algorithm == "broadcast"
    dw = ops.conv2d_weight_grad(dy, x, w_shape, **window)
    assert error(dw, dy, x, w_shape, window) < 1e-6
