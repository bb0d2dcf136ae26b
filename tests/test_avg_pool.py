"""Average pooling: windows of any kind, and the layers."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from striate import _verify, nn, ops, reference

sizes = st.integers(1, 12)
widths = st.integers(1, 80)
pairs = st.tuples(st.integers(1, 4), st.integers(1, 11))
pads = st.one_of(
    st.integers(0, 3),
    st.tuples(st.tuples(st.integers(0, 5), st.integers(0, 3)), st.tuples(sizes, sizes)),
    st.sampled_from(["same", "valid"]),
)
random_shapes = settings(deadline=None, derandomize=True, max_examples=100)


def assert_close(got: Any, want: Any) -> None:
    assert _verify.error(got, want) <= (1e-6 if got.dtype == np.float32 else 1e-14)


@random_shapes
@given(
    planes=st.tuples(st.integers(0, 2), st.integers(1, 3)),
    image=st.tuples(sizes, widths),
    kernel=pairs,
    stride=st.none() | pairs,
    padding=pads,
    ceil_mode=st.booleans(),
    count_include_pad=st.booleans(),
)
def test_any_window(planes: Any, image: Any, kernel: Any, **window: Any) -> None:
    rng = np.random.default_rng(1)
    shape = (*planes, *image)
    for dtype in (np.float32, np.float64):
        x = rng.standard_normal(shape).astype(dtype)
        try:
            want = reference.avg_pool2d(x.astype(np.float64), kernel, **window)
        except ValueError:
            with pytest.raises(ValueError, match=r"^avg_pool2d: "):
                ops.avg_pool2d(x, kernel, **window)
            continue
        assert_close(ops.avg_pool2d(x, kernel, **window), want)
        dy = rng.standard_normal(want.shape).astype(dtype)
        dx = reference.avg_pool2d_grad(dy.astype(np.float64), shape, kernel, **window)
        assert_close(ops.avg_pool2d_grad(dy, shape, kernel, **window), dx)


@random_shapes
@given(
    planes=st.tuples(st.integers(0, 2), st.integers(1, 3)),
    image=st.tuples(sizes, widths),
    output_size=st.tuples(sizes, widths),
)
def test_any_output_size(planes: Any, image: Any, output_size: Any) -> None:
    rng = np.random.default_rng(1)
    shape = (*planes, *image)
    x = rng.standard_normal(shape)
    want = reference.adaptive_avg_pool2d(x, output_size)
    assert_close(ops.adaptive_avg_pool2d(x, output_size), want)
    dy = rng.standard_normal(want.shape)
    dx = reference.adaptive_avg_pool2d_grad(dy, shape, output_size)
    assert_close(ops.adaptive_avg_pool2d_grad(dy, shape, output_size), dx)


@pytest.mark.parametrize("count_include_pad", [True, False])
def test_a_window_wholly_in_the_padding_gives_0(count_include_pad: bool, isa: str) -> None:
    x = np.full((1, 1, 2, 2), 3.0, np.float32)
    y = ops.avg_pool2d(x, 2, padding=4, count_include_pad=count_include_pad)
    assert y[0, 0].tolist() == np.pad([[3.0]], 2).tolist()
    dx = ops.avg_pool2d_grad(y, x.shape, 2, padding=4, count_include_pad=count_include_pad)
    assert dx.tolist() == [[[[0.75, 0.75], [0.75, 0.75]]]]


def test_overhang_is_outside_the_divisor(isa: str) -> None:
    x = np.ones((1, 1, 1, 5))
    # The last window holds one pixel, one of padding, and one beyond.
    y = ops.avg_pool2d(x, (1, 3), stride=2, padding=((0, 0), (0, 1)), ceil_mode=True)
    assert y.tolist() == [[[[1.0, 1.0, 0.5]]]]
    y = ops.avg_pool2d(x, (1, 3), stride=(1, 4), ceil_mode=True)
    assert y.tolist() == [[[[1.0, 1.0]]]]


@pytest.mark.parametrize("shape", [(1, 1, 1, 20011), (1, 2, 3, 9001), (1, 1, 20011, 3)])
@pytest.mark.parametrize("kernel", [1, 3, (1, 11), (3, 700)])
@pytest.mark.parametrize("stride", [1, 2, 3])
def test_long_rows(shape: Any, kernel: Any, stride: int, isa: str) -> None:
    rng = np.random.default_rng(0)
    x = rng.standard_normal(shape)
    height, width = (kernel, kernel) if isinstance(kernel, int) else kernel
    padding = (height // 2, width // 2)
    if shape[3] + 2 * padding[1] < width:
        pytest.skip("the window is wider than the input")
    want = reference.avg_pool2d(x, kernel, stride=stride, padding=padding)
    assert_close(ops.avg_pool2d(x, kernel, stride=stride, padding=padding), want)
    dy = rng.standard_normal(want.shape)
    dx = reference.avg_pool2d_grad(dy, shape, kernel, stride=stride, padding=padding)
    assert_close(ops.avg_pool2d_grad(dy, shape, kernel, stride=stride, padding=padding), dx)


def test_padding_is_no_nan_s_neighbour(isa: str) -> None:
    x = np.ones((1, 1, 3, 40))
    x[0, 0, 1, 20] = np.nan
    y = ops.avg_pool2d(x, 3, stride=1, padding=1)
    assert np.isnan(y).sum() == 9
    assert np.isnan(y[0, 0, :, 19:22]).all()


# -- layers

IMAGES = np.random.default_rng(0).standard_normal((2, 6, 9, 10))
WINDOW = {"stride": (4, 2), "padding": 1, "ceil_mode": True, "count_include_pad": False}


def test_avg_pool_layer() -> None:
    layer = nn.AvgPool2d((3, 2), *WINDOW.values())  # type: ignore[arg-type]
    expected = reference.avg_pool2d(IMAGES, (3, 2), **WINDOW)  # type: ignore[arg-type]
    y, pullback = layer.vjp(IMAGES)
    np.testing.assert_allclose(y, expected, rtol=1e-12)
    np.testing.assert_array_equal(layer(IMAGES), y)
    dx = reference.avg_pool2d_grad(expected, IMAGES.shape, (3, 2), **WINDOW)  # type: ignore[arg-type]
    np.testing.assert_allclose(pullback(expected), dx, rtol=1e-12)
    assert nn.AvgPool2d(3)(IMAGES).shape == (2, 6, 3, 3)


@pytest.mark.parametrize(
    ("layer", "size"),
    [(nn.AdaptiveAvgPool2d((4, 3)), (4, 3)), (nn.GlobalAvgPool2d(), (1, 1))],
)
def test_adaptive_layers(layer: nn.AdaptiveAvgPool2d, size: tuple[int, int]) -> None:
    expected = reference.adaptive_avg_pool2d(IMAGES, size)
    y, pullback = layer.vjp(IMAGES)
    assert y.shape == (2, 6, *size)
    np.testing.assert_allclose(y, expected, rtol=1e-12, atol=1e-15)
    np.testing.assert_array_equal(layer(IMAGES), y)
    dx = reference.adaptive_avg_pool2d_grad(expected, IMAGES.shape, size)
    np.testing.assert_allclose(pullback(expected), dx, rtol=1e-12, atol=1e-15)


def test_repr() -> None:
    assert repr(nn.AvgPool2d(2)) == (
        "AvgPool2d(2, stride=None, padding=0, ceil_mode=False, count_include_pad=True)"
    )
    assert repr(nn.AdaptiveAvgPool2d((6, 7))) == "AdaptiveAvgPool2d((6, 7))"
    assert repr(nn.GlobalAvgPool2d()) == "GlobalAvgPool2d()"
