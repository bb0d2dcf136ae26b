"""Convolution and transposed convolution along any number of axes, at shapes drawn at random."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from striate import _verify, ops, reference
from striate._registry.conv import TOLERANCE

RANKS = pytest.mark.parametrize("rank", [1, 2, 3])


@st.composite
def layers(draw: st.DrawFn, *, transposed: bool) -> tuple[Any, Any, dict[str, Any]]:
    """Shapes of x and w, and options; some of them are errors."""
    rank = draw(st.integers(1, 3))

    def sizes(most: int, least: int = 1) -> tuple[int, ...]:
        return tuple(draw(st.lists(st.integers(least, most), min_size=rank, max_size=rank)))

    groups, inputs, outputs = (draw(st.integers(1, most)) for most in (3, 5, 5))
    image = (draw(st.integers(0, 2)), groups * inputs, *sizes(7))
    options: dict[str, Any] = {"stride": sizes(4), "dilation": sizes(3), "groups": groups}
    options["padding"] = draw(
        st.sampled_from(
            ["same", "valid", 0, 1, sizes(3, 0), tuple(zip(sizes(3, 0), sizes(3, 0), strict=True))]
        )
    )
    if not transposed:
        return image, (groups * outputs, inputs, *sizes(4)), options
    options["output_padding"] = draw(st.sampled_from([0, 1, sizes(2, 0)]))
    return image, (groups * inputs, outputs, *sizes(4)), options


def assert_agrees(name: str, *arguments: Any, **options: Any) -> Any:
    """Compare the op with the reference; what both refuse is None."""
    function, oracle = getattr(ops, name), getattr(reference, name)
    for dtype in (np.float32, np.float64):
        cast = [a.astype(dtype) if isinstance(a, np.ndarray) else a for a in arguments]
        wide = [a.astype(np.float64) if isinstance(a, np.ndarray) else a for a in cast]
        try:
            want = oracle(*wide, **options)
        except ValueError:
            with pytest.raises(ValueError, match=f"^{name}: "):
                function(*cast, **options)
            return None
        got = function(*cast, **options)
        assert got.dtype == dtype
        assert _verify.error(got, want) <= TOLERANCE.of(dtype)
    return got


def assert_slope(name: str, arguments: list[Any], at: int, dx: Any, dy: Any, options: Any) -> None:
    """The op is linear in each array: any step will do."""
    direction = np.random.default_rng(3).standard_normal(arguments[at].shape)
    rise = []
    for step in (1.0, -1.0):
        moved = list(arguments)
        moved[at] = moved[at] + step * direction
        rise.append(np.sum(dy * getattr(ops, name)(*moved, **options)))
    slope = np.sum(dx * direction)
    assert abs((rise[0] - rise[1]) / 2 - slope) <= 1e-9 * (1 + abs(slope) + np.abs(dy).sum())


def check(name: str, x_shape: Any, w_shape: Any, channels: int, options: dict[str, Any]) -> None:
    rng = np.random.default_rng(1)
    x, w, b = (rng.standard_normal(shape) for shape in (x_shape, w_shape, channels))
    y = assert_agrees(name, x, w, b, **options)
    if y is None:
        return
    dy = rng.standard_normal(y.shape)
    dx = assert_agrees(f"{name}_input_grad", dy, w, x_shape, **options)
    dw = assert_agrees(f"{name}_weight_grad", dy, x, w_shape, **options)
    for at, gradient in enumerate((dx, dw, ops.bias_grad(dy))):
        assert_slope(name, [x, w, b], at, gradient, dy, options)


@settings(deadline=None, derandomize=True, max_examples=120)
@given(layer=layers(transposed=False))
def test_conv_of_any_shape(layer: Any) -> None:
    x_shape, w_shape, options = layer
    check(f"conv{len(x_shape) - 2}d", x_shape, w_shape, w_shape[0], options)


@settings(deadline=None, derandomize=True, max_examples=160)
@given(layer=layers(transposed=True))
def test_conv_transpose_of_any_shape(layer: Any) -> None:
    x_shape, w_shape, options = layer
    channels = w_shape[1] * options["groups"]
    check(f"conv_transpose{len(x_shape) - 2}d", x_shape, w_shape, channels, options)


@pytest.mark.parametrize("stride", [1, 2, 3])
@pytest.mark.parametrize("kernel", [1, 2, 4])
@RANKS
def test_same_is_the_transpose_of_same(rank: int, kernel: int, stride: int) -> None:
    rng = np.random.default_rng(0)
    x = rng.standard_normal((2, 3, *(4, 3, 5)[:rank]))
    w = rng.standard_normal((3, 4, *[kernel] * rank))
    y = getattr(ops, f"conv_transpose{rank}d")(x, w, stride=stride, padding="same")
    assert y.shape == (2, 4, *(stride * n for n in x.shape[2:]))
    conv_grad = getattr(ops, f"conv{rank}d_input_grad")
    np.testing.assert_array_equal(y, conv_grad(x, w, y.shape, stride=stride, padding="same"))


def test_winograd_serves_the_transposed_too(isa: str) -> None:
    rng = np.random.default_rng(0)
    x, w, b = (rng.standard_normal(s) for s in ((2, 40, 13, 14), (40, 48, 3, 3), 48))
    assert_agrees("conv_transpose2d", x, w, b, padding=1)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_pixels_that_no_tap_reaches_are_the_bias(dtype: Any, isa: str) -> None:
    x, w = np.ones((2, 1, 3), dtype), np.full((1, 20, 1), 2, dtype)
    b = np.arange(20, dtype=dtype)
    y = ops.conv_transpose1d(x, w, b, stride=3, output_padding=2)
    assert y.shape == (2, 20, 9)
    np.testing.assert_array_equal(y, np.broadcast_to(b[:, None] + [2, 0, 0] * 3, y.shape))


X, W = np.ones((1, 4, 5, 6)), np.ones((4, 3, 3, 3))
BAD: list[tuple[list[str], dict[str, Any]]] = [
    (
        ["output_padding must be less than stride or dilation", "=2", "stride=2"],
        {"stride": 2, "output_padding": 2},
    ),
    (["output_padding must be at least 0", "-1"], {"output_padding": -1}),
    (["output_padding must be an int or have 2 entries"], {"output_padding": (0, 0, 0)}),
    (
        ["output_padding must be 0 with padding='same'"],
        {"stride": 2, "padding": "same", "output_padding": 1},
    ),
    (["padding must leave some of the output", "padding=4+4", "input=5"], {"padding": 4}),
    (["groups must divide C_in", "groups=3", "C_in=4"], {"groups": 3}),
    (["w must have C_in filters", "w.shape[0]=5", "C_in=4"], {"w": np.ones((5, 3, 3, 3))}),
    (["w must have 4 axes (C_in, C_out / groups, K_h, K_w)"], {"w": np.ones((4, 3, 3))}),
    (["x must have 4 axes (N, C, H, W)", "(4, 5, 6)"], {"x": np.ones((4, 5, 6))}),
    (["no empty spatial axis", "0"], {"x": np.ones((1, 4, 0, 6))}),
    (["b must have shape (3,)", "(4,)"], {"b": np.ones(4)}),
    (["2^59 elements"], {"stride": 2**40}),
    (
        ["C_out must fit 64 bits"],
        {"x": np.ones((1, 0, 5, 6)), "w": np.ones((0, 3, 3, 3)), "groups": 2**62},
    ),
]


@pytest.mark.parametrize(("parts", "changes"), BAD, ids=lambda value: str(value)[:40])
def test_conv_transpose_refuses(parts: list[str], changes: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"^conv_transpose2d: ") as caught:
        ops.conv_transpose2d(**{"x": X, "w": W, **changes})
    for part in parts:
        assert part in str(caught.value)


def test_gradients_of_conv_transpose_refuse_another_shape() -> None:
    dy = np.ones((1, 3, 7, 7))
    with pytest.raises(
        ValueError, match=r"^conv_transpose2d_input_grad: dy must have shape \(1, 3, 7, 8\)"
    ):
        ops.conv_transpose2d_input_grad(dy, W, X.shape)
    with pytest.raises(
        ValueError, match=r"^conv_transpose2d_weight_grad: dy must have shape \(1, 3, 7, 8\)"
    ):
        ops.conv_transpose2d_weight_grad(dy, X, W.shape)


@pytest.mark.parametrize("rank", [1, 3])
def test_errors_name_the_axes(rank: int) -> None:
    layout = {1: "3 axes (N, C, L)", 3: "5 axes (N, C, D, H, W)"}[rank]
    with pytest.raises(ValueError, match=f"^conv{rank}d: ") as caught:
        getattr(ops, f"conv{rank}d")(np.ones((1, 2, 3, 4)), np.ones((1, 2, 3, 4)))
    assert layout in str(caught.value)
