"""Implicit GEMM: gathered and shifted pixels, phases apart and stacked, small and large blocks."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import striate
from striate import ops, reference

# x.shape, w.shape, options
LAYERS: dict[str, tuple[tuple[int, ...], tuple[int, ...], dict[str, Any]]] = {
    "shifted": ((2, 5, 30, 29), (9, 5, 3, 3), {"padding": 1}),
    "shifted, uneven padding": ((1, 3, 23, 37), (17, 3, 3, 5), {"padding": ((0, 2), (3, 1))}),
    "shifted, output wider": ((1, 6, 11, 20), (7, 6, 3, 3), {"padding": 5}),
    "shifted, dilated": ((1, 6, 25, 40), (13, 6, 3, 3), {"padding": 2, "dilation": (2, 3)}),
    "shifted, groups": ((2, 105, 20, 33), (108, 35, 3, 3), {"padding": 1, "groups": 3}),
    "stem 7x7/2": ((2, 3, 39, 41), (19, 3, 7, 7), {"stride": 2, "padding": 3}),
    "stem 11x11/4": ((1, 3, 67, 71), (24, 3, 11, 11), {"stride": 4}),
    "stem 11x11/4, padded": ((1, 3, 64, 61), (24, 3, 11, 11), {"stride": 4, "padding": 2}),
    "stem 3x3/2": ((2, 3, 33, 34), (16, 3, 3, 3), {"stride": 2, "padding": ((0, 1), (0, 1))}),
    "stem 3x3/3x2": ((1, 4, 35, 50), (18, 4, 3, 5), {"stride": (3, 2), "padding": 1}),
    "more phases than share blocks": (
        (2, 20, 9, 150),
        (12, 20, 2, 71),
        {"stride": (1, 70), "padding": (0, 3)},
    ),
    "patches": ((2, 3, 32, 48), (37, 3, 8, 8), {"stride": 8}),
    "3x3/2": ((3, 20, 15, 17), (31, 20, 3, 3), {"stride": 2, "padding": 1}),
    "3x3/2, dilated": ((1, 20, 31, 17), (23, 20, 3, 3), {"stride": 2, "dilation": 3}),
    "3x3/2, small planes": ((9, 40, 7, 7), (48, 40, 3, 3), {"stride": 2, "padding": 1}),
    "3x3/2, odd planes, groups": (
        (5, 36, 13, 9),
        (50, 18, 3, 3),
        {"stride": 2, "padding": 1, "groups": 2},
    ),
    "5x4/2, uneven padding": (
        (4, 24, 12, 11),
        (40, 24, 5, 4),
        {"stride": 2, "padding": ((2, 4), (1, 3))},
    ),
    "3x3/2, much padding": ((7, 24, 5, 3), (40, 24, 3, 3), {"stride": 2, "padding": (5, 4)}),
    "3x3/2, planes of one pixel": ((70, 24, 1, 2), (40, 24, 3, 3), {"stride": 2, "padding": 1}),
    "stride above the kernel": ((2, 11, 26, 31), (13, 11, 2, 3), {"stride": (5, 4)}),
    "pointwise": ((3, 67, 9, 13), (59, 67, 1, 1), {}),
    "pointwise, one sample": ((1, 130, 7, 7), (131, 130, 1, 1), {}),
    "pointwise, stride 2": ((2, 33, 14, 15), (40, 33, 1, 1), {"stride": 2}),
    "pointwise, padded": ((1, 33, 6, 9), (20, 33, 1, 1), {"padding": 1}),
    "long depth, one sample": ((1, 301, 7, 7), (64, 301, 3, 3), {"padding": 1}),
    "more taps than a block": ((1, 2, 40, 50), (11, 2, 23, 29), {"padding": 11}),
    "one row": ((1, 5, 1, 300), (20, 5, 1, 9), {"padding": (0, 4), "stride": (1, 2)}),
    "one column": ((1, 5, 300, 1), (20, 5, 9, 1), {"padding": (4, 0)}),
    "no samples": ((0, 5, 9, 9), (20, 5, 3, 3), {"stride": 2}),
    "no channels": ((2, 0, 9, 9), (20, 0, 3, 3), {"stride": 2}),
}


@pytest.fixture(autouse=True)
def exact() -> Iterator[None]:
    threads = striate.get_num_threads()
    striate.set_precision("exact")
    yield
    striate.set_num_threads(threads)


def close(found: Any, wanted: Any, dtype: str) -> None:
    wanted = np.asarray(wanted)
    scale = float(np.abs(wanted).max()) if wanted.size else 1.0
    # Sums of up to some thousand products, in blocks that start at zero.
    tolerance = (4e-6 if dtype == "float32" else 1e-14) * max(scale, 1.0)
    np.testing.assert_allclose(np.asarray(found), wanted, rtol=0, atol=tolerance)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", LAYERS)
def test_both_directions(name: str, dtype: str, isa: str, rng: np.random.Generator) -> None:
    x_shape, w_shape, options = LAYERS[name]
    x, w, b = (rng.standard_normal(s).astype(dtype) for s in (x_shape, w_shape, w_shape[:1]))
    assert striate.explain("conv2d", x, w, **options).algorithm.startswith("implicit GEMM")
    wide = [a.astype("float64") for a in (x, w, b)]
    y = reference.conv2d(*wide, **options, activation="relu")
    dy = rng.standard_normal(y.shape).astype(dtype)
    mask = np.maximum(rng.standard_normal(y.shape), 0).astype(dtype)
    dx = reference.conv2d_input_grad(
        dy.astype("float64"), wide[1], x_shape, **options, y=mask.astype("float64")
    )

    def calls() -> tuple[Any, Any]:
        return (
            ops.conv2d(x, w, b, **options, activation="relu"),
            ops.conv2d_input_grad(dy, w, x_shape, **options, y=mask),
        )

    for workspace in (None, 0):
        striate.set_max_workspace(workspace)
        striate.set_num_threads(2)
        first = calls()
        close(first[0], y, dtype)
        close(first[1], dx, dtype)
        for threads in (1, 5):
            striate.set_num_threads(threads)
            for again, before in zip(calls(), first, strict=True):
                assert np.array_equal(np.asarray(again), np.asarray(before))


@pytest.mark.parametrize("channels", [2, 12])
def test_huge_strides_take_their_phases_one_by_one(channels: int) -> None:
    """Their number squared, in time or in memory, would be hours or gigabytes."""
    size = 1 << 14
    rng = np.random.default_rng(0)
    dy = rng.standard_normal((1, channels, 3)).astype("float32")
    w = rng.standard_normal((channels, channels, size)).astype("float32")
    dx = ops.conv1d_input_grad(dy, w, (1, channels, 3 * size), stride=size)
    want = np.einsum("ot,ock->ctk", dy[0].astype("float64"), w.astype("float64"))
    np.testing.assert_allclose(dx[0], want.reshape(channels, -1), rtol=0, atol=1e-5)
    e = striate.explain("conv1d_input_grad", dy, w, (1, channels, 3 * size), stride=size)
    assert e.workspace_bytes is not None
    assert e.scratch_bytes is not None
    assert e.workspace_bytes + e.scratch_bytes < 1 << 20
