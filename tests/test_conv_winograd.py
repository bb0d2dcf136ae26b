"""Winograd's minimal filtering: what its tiles, blocks and sharing could get wrong."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import striate
from striate import _verify, ops, reference

# The largest error over the largest result. Direct sums reach 5e-7; the transforms' rounding adds
# the rest (docs/numerics.md has the table).
TOLERANCE = 6e-6

# x's shape, output channels, taps, padding, groups, stride.
Shape = tuple[tuple[int, int, int, int], int, int, Any, int, int]
SHAPES: dict[str, Shape] = {
    "one block of tiles": ((1, 32, 13, 13), 40, 3, 1, 1, 1),
    "many blocks": ((2, 64, 41, 43), 37, 3, 1, 1, 1),
    "small planes of several samples": ((16, 33, 7, 7), 35, 3, 1, 1, 1),
    "few tiles: weights by blocks": ((2, 64, 11, 14), 300, 3, 1, 1, 1),
    "more channels than a depth block": ((1, 500, 15, 16), 48, 3, 1, 1, 1),
    "wider than a block": ((1, 34, 6, 805), 33, 3, 1, 1, 1),
    "a plane of one tile": ((20, 40, 4, 4), 40, 3, 1, 1, 1),
    "groups": ((2, 96, 15, 15), 80, 3, 1, 2, 1),
    "no padding": ((2, 36, 17, 19), 36, 3, 0, 1, 1),
    "asymmetric padding": ((2, 36, 17, 19), 36, 3, ((0, 2), (2, 1)), 1, 1),
    "more padding than taps": ((1, 36, 9, 12), 36, 3, (5, 7), 1, 1),
    "small tiles": ((1, 256, 8, 8), 256, 3, 1, 1, 1),
    "small tiles, odd sizes": ((1, 260, 10, 9), 270, 3, 1, 1, 1),
    "small tiles of several samples": ((8, 256, 4, 4), 300, 3, 1, 1, 1),
    "small tiles, asymmetric padding": ((1, 256, 7, 7), 256, 3, ((0, 2), (2, 1)), 1, 1),
    "small tiles, groups, no padding": ((1, 512, 10, 10), 514, 3, 0, 2, 1),
    "5x5": ((2, 48, 27, 27), 64, 5, 2, 1, 1),
    "5x5 of groups, asymmetric": ((3, 64, 14, 13), 96, 5, ((4, 0), (1, 3)), 2, 1),
    "5x5, few tiles": ((1, 64, 8, 8), 300, 5, 2, 1, 1),
    "stride 2": ((2, 64, 31, 45), 72, 3, 1, 1, 2),
    "stride 2, tiles by depth": ((3, 72, 62, 63), 70, 3, 1, 1, 2),
    "stride 2, several row blocks": ((2, 64, 63, 63), 600, 3, 1, 1, 2),
    "stride 2, even padding, pixels without a tap": ((1, 128, 66, 65), 120, 3, 0, 1, 2),
    "stride 2, asymmetric padding": ((3, 96, 30, 29), 100, 3, ((0, 2), (3, 1)), 1, 2),
    "stride 2, more padding than taps": ((3, 128, 21, 20), 160, 3, (5, 6), 1, 2),
    "stride 2, small planes of several samples": ((16, 128, 14, 15), 130, 3, 1, 1, 2),
    "stride 2, few tiles: weights by blocks": ((4, 128, 16, 15), 320, 3, 1, 1, 2),
    "stride 2, more channels than a depth block": ((1, 500, 30, 31), 96, 3, 1, 1, 2),
    "stride 2, wider than a block": ((1, 64, 16, 805), 65, 3, 1, 1, 2),
    "stride 2, a plane of one tile": ((32, 96, 8, 8), 97, 3, 1, 1, 2),
    "stride 2, groups": ((3, 192, 30, 31), 216, 3, 1, 2, 2),
}
SHAPE = pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES.keys())


def arrays(shape: Shape, rng: np.random.Generator) -> tuple[Any, Any, dict[str, Any]]:
    image, outputs, taps, padding, groups, stride = shape
    x = rng.standard_normal(image).astype(np.float32)
    filters = (outputs, image[1] // groups, taps, taps)
    w = rng.standard_normal(filters).astype(np.float32)
    return x, w, {"padding": padding, "groups": groups, "stride": stride}


def wide(*values: Any) -> list[Any]:
    return [None if v is None else v.astype(np.float64) for v in values]


def transforms(name: str, *arguments: Any, **options: Any) -> bool:
    return "Winograd" in striate.explain(name, *arguments, **options).algorithm


@SHAPE
def test_forward(shape: Shape, isa: str, rng: np.random.Generator) -> None:
    x, w, options = arrays(shape, rng)
    b = rng.standard_normal(shape[1]).astype(np.float32)
    assert transforms("conv2d", x, w, **options)
    for bias, activation in ((None, None), (b, "relu")):
        got = ops.conv2d(x, w, bias, activation=activation, **options)
        want = reference.conv2d(*wide(x, w, bias), activation=activation, **options)
        assert _verify.error(got, want) <= TOLERANCE


def test_small_tiles_are_chosen() -> None:
    for name, shape in SHAPES.items():
        image, outputs, taps, padding, groups, stride = shape
        filters = (outputs, image[1] // groups, taps, taps)
        options: dict[str, Any] = {"padding": padding, "groups": groups, "stride": stride}
        chosen = striate.explain("conv2d", image, filters, **options).algorithm
        assert (chosen == "Winograd, small tiles") == name.startswith("small tiles"), name


@SHAPE
def test_input_grad(shape: Shape, isa: str, rng: np.random.Generator) -> None:
    x, w, options = arrays(shape, rng)
    y = ops.conv2d(x, w, activation="relu", **options)
    dy = rng.standard_normal(y.shape).astype(np.float32)
    assert transforms("conv2d_input_grad", dy, w, x.shape, **options)
    for mask in (None, y):
        got = ops.conv2d_input_grad(dy, w, x.shape, y=mask, **options)
        dy64, w64, mask64 = wide(dy, w, mask)
        want = reference.conv2d_input_grad(dy64, w64, x.shape, y=mask64, **options)
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
        results.append((y, ops.conv2d_input_grad(y, w, x.shape, **options)))
    for y, dx in results[1:]:
        np.testing.assert_array_equal(y, results[0][0])
        np.testing.assert_array_equal(dx, results[0][1])


@st.composite
def shapes(draw: st.DrawFn) -> Shape:
    taps = draw(st.sampled_from([3, 5]))
    groups = draw(st.integers(1, 2))
    channels, outputs = (draw(st.integers(24, 70)) for _ in range(2))
    size = [draw(st.integers(taps, 40)) for _ in range(2)]
    pads = [(draw(st.integers(0, 4)), draw(st.integers(0, 4))) for _ in range(2)]
    batch = draw(st.integers(1, 3))
    stride = draw(st.integers(1, 2)) if taps == 3 else 1
    return (batch, groups * channels, *size), groups * outputs, taps, tuple(pads), groups, stride


@settings(max_examples=25, deadline=None)
@given(shape=shapes())
def test_any_shape(shape: Shape) -> None:
    rng = np.random.default_rng(5)
    x, w, options = arrays(shape, rng)
    got = ops.conv2d(x, w, **options)
    want = reference.conv2d(*wide(x, w), **options)
    assert _verify.error(got, want) <= TOLERANCE
    dx = ops.conv2d_input_grad(got, w, x.shape, **options)
    want = reference.conv2d_input_grad(*wide(got, w), x.shape, **options)
    assert _verify.error(dx, want) <= TOLERANCE


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf, 3e38])
@pytest.mark.parametrize("where", ["x", "w"])
@pytest.mark.parametrize("shape", ["many blocks", "small tiles", "stride 2"])
def test_what_is_not_finite_stays_where_it_belongs(
    shape: str, bad: float, where: str, isa: str, rng: np.random.Generator
) -> None:
    """A transform would spread it over its whole tile: such a call is computed by direct sums."""
    x, w, options = arrays(SHAPES[shape], rng)
    (x if where == "x" else w)[0, 3, 1, 2] = bad
    got = ops.conv2d(x, w, **options)
    dy = np.where(np.isfinite(got), got, bad)
    dx = ops.conv2d_input_grad(dy, w, x.shape, **options)
    striate.set_precision("exact")
    assert not transforms("conv2d", x, w, **options)
    np.testing.assert_array_equal(got, ops.conv2d(x, w, **options))
    np.testing.assert_array_equal(dx, ops.conv2d_input_grad(dy, w, x.shape, **options))


@pytest.mark.parametrize("kind", ["normal", "uniform", "offset", "sparse", "spike"])
@pytest.mark.parametrize("stride", [1, 2])
def test_accuracy(kind: str, stride: int, isa: str, rng: np.random.Generator) -> None:
    x = rng.standard_normal((2, 128, 28 * stride, 28 * stride))
    w = rng.standard_normal((64, 128, 3, 3))
    if kind == "uniform":
        x, w = rng.random(x.shape), rng.random(w.shape)
    elif kind == "offset":
        x = x + 100
    elif kind == "sparse":
        x = x * (rng.random(x.shape) < 0.05)
    elif kind == "spike":
        x[0, 5, 9, 9] = 1e6
    x, w = x.astype(np.float32), w.astype(np.float32)
    assert transforms("conv2d", x, w, padding=1, stride=stride)
    got = ops.conv2d(x, w, padding=1, stride=stride)
    want = reference.conv2d(*wide(x, w), padding=1, stride=stride)
    assert _verify.error(got, want) <= TOLERANCE


def test_it_is_not_chosen_where_it_does_not_pay_or_fit() -> None:
    pays: tuple[Any, Any] = ((4, 64, 56, 56), (64, 64, 3, 3))
    assert transforms("conv2d", *pays, padding=1)
    assert transforms("conv2d", *pays, padding=1, stride=2)
    for shapes_of, options in (
        (pays, {"stride": 3}),
        (pays, {"stride": (1, 2)}),
        (pays, {"stride": 2, "dilation": 2}),
        (((4, 64, 56, 56), (64, 64, 5, 5)), {"stride": 3}),
        (((4, 3, 224, 224), (32, 3, 3, 3)), {"stride": 2}),
        (((1, 512, 14, 14), (512, 512, 3, 3)), {"stride": 2}),
        (pays, {"dilation": 2}),
        (pays, {"dtype": "float64"}),
        (((1, 128, 7, 7), (128, 128, 3, 3)), {}),
        (((4, 64, 28, 28), (64, 4, 3, 3)), {"groups": 16}),
        (((4, 64, 28, 28), (64, 64, 3, 5)), {}),
    ):
        assert not transforms("conv2d", *shapes_of, padding=1, **options)
