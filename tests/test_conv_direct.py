"""Depthwise convolution and groups of few channels, at shapes that their kernels tell apart."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import striate
from striate import _core, ops, reference

# x's shape, C_out, kernel, groups, options
Case = tuple[tuple[int, ...], int, tuple[int, int], int, dict[str, Any]]
CASES: dict[str, Case] = {
    "depthwise 3x3": ((2, 5, 13, 35), 5, (3, 3), 5, {"padding": 1}),
    "stride 2": ((2, 5, 13, 35), 5, (3, 3), 5, {"padding": 1, "stride": 2}),
    "stride 2, even size": ((1, 3, 16, 34), 3, (5, 5), 3, {"padding": 2, "stride": 2}),
    "stride 3": ((1, 4, 17, 23), 4, (3, 3), 4, {"padding": 1, "stride": 3}),
    "strides beyond the kernel": ((1, 3, 19, 23), 3, (2, 2), 3, {"stride": (4, 5)}),
    "strides that differ": ((1, 3, 11, 12), 3, (3, 3), 3, {"padding": 1, "stride": (1, 2)}),
    "dilation": ((1, 4, 15, 21), 4, (3, 3), 4, {"padding": 2, "dilation": (2, 3)}),
    "dilation and stride": ((1, 4, 15, 21), 4, (3, 3), 4, {"dilation": 2, "stride": 2}),
    "7x7 planes": ((3, 19, 7, 7), 19, (3, 3), 19, {"padding": 1}),
    "9x8 planes, two rows to a vector": ((2, 6, 9, 8), 6, (3, 3), 6, {"padding": 1}),
    "14x7 planes, 5x5": ((1, 5, 14, 7), 5, (5, 5), 5, {"padding": 2}),
    "two rows, dilated": ((1, 5, 8, 8), 5, (3, 3), 5, {"padding": 2, "dilation": 2}),
    "wide rows": ((1, 2, 4, 1100), 2, (3, 3), 2, {"padding": 1}),
    "1x3 and stride 2": ((1, 4, 14, 30), 4, (1, 3), 4, {"padding": (0, 1), "stride": (1, 2)}),
    "3x1": ((1, 4, 13, 17), 4, (3, 1), 4, {"padding": (1, 0)}),
    "7x7 planes to 4x4": ((3, 19, 7, 7), 19, (3, 3), 19, {"padding": 1, "stride": 2}),
    "7x7 kernel": ((2, 6, 7, 7), 6, (7, 7), 6, {"padding": 3}),
    "3x3 planes": ((2, 37, 3, 3), 37, (3, 3), 37, {"padding": 1}),
    "single pixels": ((2, 37, 1, 1), 37, (3, 3), 37, {"padding": 1}),
    "kernel larger than the plane": ((1, 5, 2, 3), 5, (6, 8), 5, {"padding": 4}),
    "asymmetric padding": ((1, 5, 6, 9), 5, (3, 4), 5, {"padding": ((0, 3), (2, 1))}),
    "padding beyond the kernel": ((1, 4, 4, 5), 4, (3, 3), 4, {"padding": 5}),
    "depth multiplier 2": ((2, 6, 14, 14), 12, (3, 3), 6, {"padding": 1}),
    "depth multiplier 5, narrow": ((2, 6, 5, 6), 30, (3, 3), 6, {"padding": 1}),
    "groups of 4": ((2, 12, 9, 18), 12, (3, 3), 3, {"padding": 1}),
    "groups of 8, stride 2": ((1, 16, 14, 15), 16, (3, 3), 2, {"padding": 1, "stride": 2}),
    "groups of 2 to 3": ((1, 10, 5, 6), 15, (3, 3), 5, {"padding": 1}),
    "17 groups of 2 to 3": ((2, 34, 9, 10), 51, (3, 3), 17, {"padding": 1}),
    "17 groups of 2 to 3, stride 2": ((1, 34, 9, 10), 51, (3, 3), 17, {"padding": 1, "stride": 2}),
    "18 groups of 5, dilated": ((1, 90, 7, 8), 90, (3, 3), 18, {"padding": 2, "dilation": 2}),
    "flat planes": ((3, 16, 30, 29), 16, (3, 3), 2, {"padding": 1}),
    "flat planes in bands": ((1, 16, 131, 57), 16, (3, 3), 2, {"padding": 1}),
    "flat planes, 9 to 7": ((2, 27, 13, 41), 21, (3, 3), 3, {"padding": 1}),
    "flat planes, 5x4": ((1, 40, 17, 19), 44, (5, 4), 2, {"padding": ((2, 0), (1, 3))}),
    "flat planes, dilated": ((1, 36, 18, 15), 48, (3, 3), 3, {"dilation": (2, 3)}),
    "flat planes, padded beyond the kernel": ((2, 24, 12, 14), 24, (3, 3), 3, {"padding": (4, 5)}),
    "flat planes, one row": ((2, 32, 1, 40), 32, (1, 3), 2, {"padding": (0, 1)}),
    "one channel to 7": ((2, 1, 29, 30), 7, (5, 5), 1, {}),
    "many rows": ((1, 2, 301, 67), 2, (3, 3), 2, {"padding": 1}),
    "no sample": ((0, 4, 5, 5), 4, (3, 3), 4, {"padding": 1}),
}
# Relative to the largest result; float32 adds up at most 256 vectors of terms in one precision.
TOLERANCE = {"float64": 1e-13, "float32": 5e-6}


def directions(
    module: Any, rng: np.random.Generator, dtype: str, case: Case
) -> dict[str, Callable[[], Any]]:
    shape, outputs, kernel, groups, options = case
    x = rng.standard_normal(shape).astype(dtype)
    w = rng.standard_normal((outputs, shape[1] // groups, *kernel)).astype(dtype)
    b = rng.standard_normal(outputs).astype(dtype)
    y = reference.conv2d(x, w, b, groups=groups, **options)
    dy = rng.standard_normal(y.shape).astype(dtype)
    if module is reference:
        x, w, b, y, dy = (a.astype("float64") for a in (x, w, b, y, dy))
    more = {"groups": groups, **options}
    return {
        "forward": lambda: module.conv2d(x, w, b, activation="relu", **more),
        "input_grad": lambda: module.conv2d_input_grad(dy, w, x.shape, **more),
        "input_grad, masked": lambda: module.conv2d_input_grad(dy, w, x.shape, y=y, **more),
        "weight_grad": lambda: module.conv2d_weight_grad(dy, x, w.shape, **more),
        "weight_grad, masked": lambda: module.conv2d_weight_grad(dy, x, w.shape, y=y, **more),
    }


@pytest.mark.parametrize("name", [name for name in CASES if name.startswith("flat planes")])
def test_what_flat_planes_serve(name: str) -> None:
    shape, outputs, kernel, groups, options = CASES[name]
    w = (outputs, shape[1] // groups, *kernel)
    plan = striate.explain("conv2d", shape, w, groups=groups, dtype="float64", **options)
    if _core.isa() in ("avx512", "avx2"):  # groups fill shorter vectors as well
        assert plan.algorithm == "direct, flat planes"


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_against_the_reference(name: str, dtype: str, isa: str) -> None:
    # The same seed draws the same arrays for both.
    got = directions(ops, np.random.default_rng(7), dtype, CASES[name])
    want = directions(reference, np.random.default_rng(7), dtype, CASES[name])
    for direction in got:
        result, expected = got[direction](), want[direction]()
        assert result.shape == expected.shape
        atol = TOLERANCE[dtype] * max(1.0, float(np.abs(expected).max(initial=0)))
        np.testing.assert_allclose(result, expected, rtol=0, atol=atol, err_msg=direction)


@pytest.mark.parametrize("name", ["stride 2", "7x7 planes", "groups of 4", "many rows"])
def test_threads_change_no_bit(name: str, threads: Callable[[int], None]) -> None:
    results = []
    for count in (1, 2, 7):
        threads(count)
        calls = directions(ops, np.random.default_rng(7), "float32", CASES[name])
        results.append([call().tobytes() for call in calls.values()])
    assert results[0] == results[1] == results[2]


@pytest.mark.parametrize("name", ["depthwise 3x3", "stride 2", "stride 3", "7x7 planes"])
@pytest.mark.parametrize("value", [np.inf, np.nan])
def test_what_is_not_finite_stays_where_it_was(name: str, value: float, isa: str) -> None:
    """One such pixel reaches the results that see it and no others."""
    shape, outputs, kernel, groups, options = CASES[name]
    rng = np.random.default_rng(7)
    x, w = rng.standard_normal(shape), rng.standard_normal((outputs, 1, *kernel))
    x[0, 1, 3, 5] = x[-1, -1, -1, -1] = value
    y, expected = (m.conv2d(x, w, groups=groups, **options) for m in (ops, reference))
    np.testing.assert_array_equal(np.isfinite(y), np.isfinite(expected))
    dy = rng.standard_normal(y.shape)
    dw, expected = (
        m.conv2d_weight_grad(dy, x, w.shape, groups=groups, **options) for m in (ops, reference)
    )
    np.testing.assert_array_equal(np.isfinite(dw), np.isfinite(expected))
    dy[0, 1, 2, 3] = dy[-1, -1, -1, -1] = value
    dx, expected = (
        m.conv2d_input_grad(dy, w, x.shape, groups=groups, **options) for m in (ops, reference)
    )
    np.testing.assert_array_equal(np.isfinite(dx), np.isfinite(expected))


def test_groups_of_eight_are_direct_but_for_the_weights() -> None:
    x, w = (1, 32, 14, 14), (32, 8, 5, 5)
    assert striate.explain("conv2d", x, w, groups=4, padding=2).algorithm == "direct"
    e = striate.explain("conv2d_weight_grad", x, x, w, groups=4, padding=2)
    assert e.algorithm != "direct"


@pytest.mark.parametrize("far", [40, 10**6, 2**31, 2**40])
def test_taps_far_outside_leave_one(far: int, isa: str, rng: np.random.Generator) -> None:
    """All but the middle one lie in the padding; nothing that is planned from them may overflow."""
    x, w = rng.standard_normal((2, 16, 30, 30)), rng.standard_normal((16, 8, 3, 3))
    options = {"groups": 2, "padding": far, "dilation": far}
    middle = np.ascontiguousarray(w[:, :, 1:2, 1:2])
    y = ops.conv2d(x, w, **options)
    np.testing.assert_allclose(y, ops.conv2d(x, middle, groups=2), rtol=0, atol=1e-13)
    dx = ops.conv2d_input_grad(y, w, x.shape, **options)
    want = ops.conv2d_input_grad(y, middle, x.shape, groups=2)
    np.testing.assert_allclose(dx, want, rtol=0, atol=1e-12)
