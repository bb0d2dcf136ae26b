"""Winograd's filtering of convolutions in groups: what its blocks, units and shares of a vector
could get wrong."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import striate
from striate import _verify, ops, reference

# The largest error over the largest result, as in test_conv_winograd.py.
TOLERANCE = 6e-6
NAME = "Winograd, channels as lanes"

# x's shape, output channels, padding, groups.
Shape = tuple[tuple[int, int, int, int], int, Any, int]
SHAPES: dict[str, Shape] = {
    "groups of a vector": ((3, 64, 14, 14), 64, 1, 4),
    "groups of two vectors, one sample": ((1, 96, 7, 7), 96, 1, 3),
    "groups of a vector and a half": ((6, 120, 14, 15), 120, 1, 5),
    "groups that share a vector": ((4, 64, 28, 27), 64, 1, 8),
    "the last block has fewer groups": ((4, 56, 24, 23), 56, 1, 7),
    "more results than channels": ((4, 64, 16, 16), 128, 1, 8),
    "more channels than results": ((4, 128, 16, 16), 64, 1, 8),
    "bands of tiles, shares of units": ((2, 32, 61, 59), 32, 1, 2),
    "many small planes": ((37, 64, 5, 6), 64, 1, 2),
    "no padding": ((3, 72, 18, 19), 72, 0, 3),
    "asymmetric padding": ((3, 72, 17, 13), 72, ((0, 2), (2, 1)), 3),
    "more padding than taps": ((2, 64, 9, 12), 64, (5, 7), 2),
}
SHAPE = pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES.keys())


def arrays(shape: Shape, rng: np.random.Generator) -> tuple[Any, Any, dict[str, Any]]:
    image, outputs, padding, groups = shape
    x = rng.standard_normal(image).astype(np.float32)
    w = rng.standard_normal((outputs, image[1] // groups, 3, 3)).astype(np.float32)
    return x, w, {"padding": padding, "groups": groups}


def wide(*values: Any) -> list[Any]:
    return [None if v is None else v.astype(np.float64) for v in values]


def algorithm(name: str, *arguments: Any, **options: Any) -> str:
    return striate.explain(name, *arguments, **options).algorithm


@SHAPE
def test_forward(shape: Shape, isa: str, rng: np.random.Generator) -> None:
    x, w, options = arrays(shape, rng)
    b = rng.standard_normal(shape[1]).astype(np.float32)
    assert algorithm("conv2d", x, w, **options) == NAME
    for bias, activation in ((None, None), (b, "relu")):
        got = ops.conv2d(x, w, bias, activation=activation, **options)
        want = reference.conv2d(*wide(x, w, bias), activation=activation, **options)
        assert _verify.error(got, want) <= TOLERANCE


@SHAPE
def test_gradients(shape: Shape, isa: str, rng: np.random.Generator) -> None:
    x, w, options = arrays(shape, rng)
    y = ops.conv2d(x, w, activation="relu", **options)
    dy = rng.standard_normal(y.shape).astype(np.float32)
    assert algorithm("conv2d_input_grad", dy, w, x.shape, **options) == NAME
    assert algorithm("conv2d_weight_grad", dy, x, w.shape, **options) == NAME
    for mask in (None, y):
        dy64, x64, w64, mask64 = wide(dy, x, w, mask)
        got = ops.conv2d_input_grad(dy, w, x.shape, y=mask, **options)
        want = reference.conv2d_input_grad(dy64, w64, x.shape, y=mask64, **options)
        assert _verify.error(got, want) <= TOLERANCE
        got = ops.conv2d_weight_grad(dy, x, w.shape, y=mask, **options)
        want = reference.conv2d_weight_grad(dy64, x64, w.shape, y=mask64, **options)
        assert _verify.error(got, want) <= TOLERANCE


@SHAPE
def test_threads_do_not_change_a_bit(
    shape: Shape, isa: str, rng: np.random.Generator, threads: Callable[[int], None]
) -> None:
    x, w, options = arrays(shape, rng)
    results = []
    for count in (1, 2, 5):
        threads(count)
        y = ops.conv2d(x, w, **options)
        dx = ops.conv2d_input_grad(y, w, x.shape, **options)
        results.append((y, dx, ops.conv2d_weight_grad(y, x, w.shape, **options)))
    for other in results[1:]:
        for a, b in zip(results[0], other, strict=True):
            np.testing.assert_array_equal(a, b)


def test_weight_grad_of_groups_of_several_vectors(isa: str, rng: np.random.Generator) -> None:
    x, w, options = arrays(((5, 110, 9, 11), 96, 1, 2), rng)
    dy = rng.standard_normal((5, 96, 9, 11)).astype(np.float32)
    if isa in ("avx512", "avx2"):  # vectors of four take tiles as lanes
        assert algorithm("conv2d_weight_grad", dy, x, w.shape, **options) == NAME
    got = ops.conv2d_weight_grad(dy, x, w.shape, **options)
    want = reference.conv2d_weight_grad(*wide(dy, x), w.shape, **options)
    assert _verify.error(got, want) <= TOLERANCE


@st.composite
def shapes(draw: st.DrawFn) -> Shape:
    groups = draw(st.integers(2, 9))
    channels, outputs = (draw(st.integers(1, 34)) for _ in range(2))
    size = [draw(st.integers(3, 40)) for _ in range(2)]
    pads = [(draw(st.integers(0, 4)), draw(st.integers(0, 4))) for _ in range(2)]
    batch = draw(st.integers(1, 5))
    return (batch, groups * channels, *size), groups * outputs, tuple(pads), groups


@settings(max_examples=40, deadline=None)
@given(shape=shapes())
def test_any_shape(shape: Shape) -> None:
    rng = np.random.default_rng(5)
    x, w, options = arrays(shape, rng)
    y = ops.conv2d(x, w, **options)
    assert _verify.error(y, reference.conv2d(*wide(x, w), **options)) <= TOLERANCE
    dx = ops.conv2d_input_grad(y, w, x.shape, **options)
    want = reference.conv2d_input_grad(*wide(y, w), x.shape, **options)
    assert _verify.error(dx, want) <= TOLERANCE
    dw = ops.conv2d_weight_grad(y, x, w.shape, **options)
    want = reference.conv2d_weight_grad(*wide(y, x), w.shape, **options)
    assert _verify.error(dw, want) <= TOLERANCE


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_what_is_not_finite_stays_where_it_belongs(
    bad: float, isa: str, rng: np.random.Generator
) -> None:
    """Neither the rest of its tile nor the groups that share its vector may see it."""
    x, w, options = arrays(SHAPES["groups that share a vector"], rng)
    bad_x, bad_w = x.copy(), w.copy()
    bad_x[0, 3, 5, 6] = bad_w[9, 3, 1, 2] = bad
    with np.errstate(all="ignore"):
        for a, b in ((bad_x, w), (x, bad_w)):
            y = ops.conv2d(a, b, **options)
            dx = ops.conv2d_input_grad(y, b, x.shape, **options)
            dw = ops.conv2d_weight_grad(y, a, w.shape, **options)
            wanted = reference.conv2d(*wide(a, b), **options).astype(np.float32)
            np.testing.assert_array_equal(np.isfinite(y), np.isfinite(wanted))
            wanted = reference.conv2d_input_grad(*wide(y, b), x.shape, **options)
            np.testing.assert_array_equal(np.isfinite(dx), np.isfinite(wanted.astype(np.float32)))
            wanted = reference.conv2d_weight_grad(*wide(y, a), w.shape, **options)
            np.testing.assert_array_equal(np.isfinite(dw), np.isfinite(wanted.astype(np.float32)))


@SHAPE
def test_without_workspace(shape: Shape, isa: str, rng: np.random.Generator) -> None:
    x, w, options = arrays(shape, rng)
    striate.set_max_workspace(0)
    y = ops.conv2d(x, w, **options)
    assert _verify.error(y, reference.conv2d(*wide(x, w), **options)) <= TOLERANCE
    dw = ops.conv2d_weight_grad(y, x, w.shape, **options)
    want = reference.conv2d_weight_grad(*wide(y, x), w.shape, **options)
    assert _verify.error(dw, want) <= TOLERANCE


def test_it_is_not_chosen_where_it_does_not_pay_or_fit() -> None:
    pays: tuple[Any, Any] = ((8, 512, 14, 14), (512, 16, 3, 3))
    same: dict[str, Any] = {"padding": 1, "groups": 32}
    assert algorithm("conv2d", *pays, **same) == NAME
    for shapes_of, options in (
        (pays, {"stride": 2}),
        (pays, {"dilation": 2}),
        (pays, {"dtype": "float64"}),
        (((8, 512, 14, 14), (512, 16, 5, 5)), {}),
        (((8, 128, 14, 14), (128, 4, 3, 3)), {}),
        (((8, 2048, 14, 14), (2048, 64, 3, 3)), {}),
        (((8, 512, 14, 3000), (512, 16, 3, 3)), {}),
    ):
        assert algorithm("conv2d", *shapes_of, **{**same, **options}) != NAME
    striate.set_precision("exact")
    assert algorithm("conv2d", *pays, **same) != NAME
