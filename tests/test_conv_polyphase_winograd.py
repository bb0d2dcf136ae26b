"""Winograd's filtering of larger windows that move by two or more, phase by phase."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import striate
from striate import _verify, ops, reference

TOLERANCE = 6e-6  # as in test_conv_winograd.py

# x's shape, output channels, window, stride, padding, groups.
Shape = tuple[tuple[int, int, int, int], int, tuple[int, int], int, Any, int]
SHAPES: dict[str, Shape] = {
    "AlexNet's stem": ((1, 3, 227, 227), 96, (11, 11), 4, 0, 1),
    "AlexNet's stem, padded": ((1, 3, 224, 224), 64, (11, 11), 4, 2, 1),
    "ResNet's stem": ((2, 3, 112, 115), 64, (7, 7), 2, 3, 1),
    "phases of two and three taps": ((4, 64, 33, 41), 75, (5, 5), 2, 2, 1),
    "phases of three taps": ((3, 12, 60, 31), 50, (6, 6), 2, 1, 1),
    "stride 3": ((2, 7, 70, 64), 61, (9, 9), 3, ((4, 0), (1, 5)), 1),
    "groups": ((2, 32, 41, 40), 98, (6, 6), 2, 2, 2),
    "a window that is not square": ((2, 16, 60, 66), 64, (8, 7), 2, (3, 2), 1),
    "more padding than taps": ((2, 24, 9, 41), 65, (6, 6), 2, (7, 9), 1),
    "more channels than a depth block": ((1, 80, 45, 46), 80, (6, 6), 2, 2, 1),
    "wider than a block": ((1, 12, 20, 1511), 65, (7, 7), 2, 3, 1),
    "small planes of several samples": ((16, 24, 17, 18), 66, (6, 6), 2, 2, 1),
    "few tiles: weights by blocks": ((1, 24, 32, 32), 300, (6, 6), 2, 2, 1),
}
SHAPE = pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES.keys())


def arrays(shape: Shape, rng: np.random.Generator) -> tuple[Any, Any, dict[str, Any]]:
    image, outputs, window, stride, padding, groups = shape
    x = rng.standard_normal(image).astype(np.float32)
    w = rng.standard_normal((outputs, image[1] // groups, *window)).astype(np.float32)
    return x, w, {"padding": padding, "groups": groups, "stride": stride}


def is_chosen(x: Any, w: Any, **options: Any) -> bool:
    return striate.explain("conv2d", x, w, **options).algorithm == "polyphase Winograd"


@SHAPE
def test_forward(shape: Shape, isa: str, rng: np.random.Generator) -> None:
    x, w, options = arrays(shape, rng)
    b = rng.standard_normal(shape[1]).astype(np.float32)
    assert is_chosen(x, w, **options)
    for bias, activation in ((None, None), (b, "relu")):
        got = ops.conv2d(x, w, bias, activation=activation, **options)
        x64, w64 = x.astype(np.float64), w.astype(np.float64)
        bias64 = None if bias is None else bias.astype(np.float64)
        want = reference.conv2d(x64, w64, bias64, activation=activation, **options)
        assert _verify.error(got, want) <= TOLERANCE


@SHAPE
def test_threads_do_not_change_a_bit(
    shape: Shape, isa: str, rng: np.random.Generator, threads: Callable[[int], None]
) -> None:
    x, w, options = arrays(shape, rng)
    results = []
    for count in (1, 2, 5):
        threads(count)
        results.append(ops.conv2d(x, w, **options))
    for y in results[1:]:
        np.testing.assert_array_equal(y, results[0])


@st.composite
def shapes(draw: st.DrawFn) -> Shape:
    stride = draw(st.integers(2, 4))
    window = tuple(draw(st.integers(2 * stride + 1, 4 * stride)) for _ in range(2))
    groups = draw(st.integers(1, 2))
    channels, outputs = draw(st.integers(1, 30)), draw(st.integers(30, 70))
    size = [draw(st.integers(window[i], 60)) for i in range(2)]
    pads = tuple((draw(st.integers(0, 6)), draw(st.integers(0, 6))) for _ in range(2))
    image = (draw(st.integers(1, 3)), groups * channels, *size)
    return image, groups * outputs, window, stride, pads, groups  # type: ignore[return-value]


@settings(max_examples=40, deadline=None)
@given(shape=shapes())
def test_any_shape(shape: Shape) -> None:
    x, w, options = arrays(shape, np.random.default_rng(5))
    got = ops.conv2d(x, w, **options)
    want = reference.conv2d(x.astype(np.float64), w.astype(np.float64), **options)
    assert _verify.error(got, want) <= TOLERANCE


@pytest.mark.parametrize("bad", [np.nan, np.inf, 3e38])
@pytest.mark.parametrize("where", ["x", "w"])
def test_what_is_not_finite_stays_where_it_belongs(
    bad: float, where: str, isa: str, rng: np.random.Generator
) -> None:
    x, w, options = arrays(SHAPES["ResNet's stem"], rng)
    (x if where == "x" else w)[0, 2, 1, 2] = bad
    got = ops.conv2d(x, w, **options)
    striate.set_precision("exact")
    assert not is_chosen(x, w, **options)
    np.testing.assert_array_equal(got, ops.conv2d(x, w, **options))


def test_max_workspace_is_kept(rng: np.random.Generator) -> None:
    x, w, options = arrays(SHAPES["AlexNet's stem"], rng)
    needs = striate.explain("conv2d", x, w, **options).workspace_bytes
    assert needs is not None
    striate.set_max_workspace(needs - 1)
    assert not is_chosen(x, w, **options)


def test_it_is_not_chosen_where_it_does_not_pay_or_fit() -> None:
    pays: tuple[Any, Any] = ((4, 3, 224, 224), (64, 3, 7, 7))
    assert is_chosen(*pays, stride=2)
    for shapes_of, options in (
        (pays, {"stride": 3}),  # a phase has two taps or three
        (pays, {"stride": (2, 4)}),
        (pays, {"stride": 2, "dilation": 2}),
        (pays, {"stride": 2, "dtype": "float64"}),
        (((4, 3, 224, 224), (4, 3, 7, 7)), {"stride": 2}),
        (((4, 3, 224, 224), (64, 3, 4, 4)), {"stride": 2}),
        (((4, 3, 224, 224), (64, 3, 9, 9)), {"stride": 2}),
        (((1, 512, 14, 14), (512, 512, 5, 5)), {"stride": 2}),
    ):
        assert not is_chosen(*shapes_of, **options)
