"""Pooling along any number of axes, at shapes drawn at random, and stochastic pooling's draws."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from striate import _verify, ops, reference
from striate._registry import OPS

random_shapes = settings(deadline=None, derandomize=True, max_examples=100)


@st.composite
def windows(draw: st.DrawFn) -> tuple[Any, dict[str, Any]]:
    """The shape of x, and a window; some are errors."""
    rank = draw(st.integers(1, 3))

    def sizes(most: int, least: int = 1) -> tuple[int, ...]:
        return tuple(draw(st.lists(st.integers(least, most), min_size=rank, max_size=rank)))

    pairs = tuple(zip(sizes(3, 0), sizes(3, 0), strict=True))
    window = {
        "kernel_size": sizes(4 if rank > 1 else 12),
        "stride": draw(st.sampled_from([None, 1, sizes(5)])),
        "padding": draw(st.sampled_from([0, 1, "same", "valid", sizes(3, 0), pairs])),
        "ceil_mode": draw(st.booleans()),
    }
    return (draw(st.integers(0, 2)), draw(st.integers(1, 3)), *sizes((40, 9, 7)[rank - 1])), window


def assert_agrees(name: str, *arguments: Any, **options: Any) -> Any:
    """Compare the op with the reference; what both refuse is None."""
    for dtype in (np.float32, np.float64):
        cast = [
            a.astype(dtype) if isinstance(a, np.ndarray) and a.dtype.kind == "f" else a
            for a in arguments
        ]
        wide = [
            a.astype(np.float64) if isinstance(a, np.ndarray) and a.dtype.kind == "f" else a
            for a in cast
        ]
        try:
            want = getattr(reference, name)(*wide, **options)
        except ValueError:
            with pytest.raises(ValueError, match=f"^{name}: "):
                getattr(ops, name)(*cast, **options)
            return None
        got = getattr(ops, name)(*cast, **options)
        pairs = zip(got, want, strict=True) if isinstance(got, tuple) else [(got, want)]
        for a, b in pairs:
            assert _verify.error(a, b) <= OPS[name].tolerance.of(dtype)
    return got


def assert_slope(call: Any, x: Any, dy: Any, dx: Any) -> None:
    direction = np.random.default_rng(3).standard_normal(x.shape)
    errors = []
    for step in (1e-6, 1e-7):  # a kink may lie within one of them
        rise = np.sum(dy * (call(x + step * direction) - call(x - step * direction)))
        errors.append(abs(rise / (2 * step) - np.sum(dx * direction)))
    assert min(errors) <= 1e-6 * (1 + np.abs(dy).sum())


@random_shapes
@given(case=windows(), dilation=st.integers(1, 2))
def test_max_pool(case: Any, dilation: int) -> None:
    shape, window = case
    name = f"max_pool{len(shape) - 2}d"
    rng = np.random.default_rng(1)
    x = rng.integers(-3, 4, shape).astype(np.float64)
    assert_agrees(name, x, **window, dilation=dilation)
    result = assert_agrees(f"{name}_with_indices", x, **window, dilation=dilation)
    if result is not None:
        dy = rng.standard_normal(result[0].shape)
        assert_agrees(f"{name}_grad", dy, result[1], shape)


@random_shapes
@given(case=windows(), count_include_pad=st.booleans())
def test_avg_pool(case: Any, count_include_pad: bool) -> None:
    shape, window = case
    name = f"avg_pool{len(shape) - 2}d"
    rng = np.random.default_rng(1)
    x = rng.standard_normal(shape)
    y = assert_agrees(name, x, **window, count_include_pad=count_include_pad)
    if y is not None:
        dy = rng.standard_normal(y.shape)
        assert_agrees(f"{name}_grad", dy, shape, **window, count_include_pad=count_include_pad)


@random_shapes
@given(case=windows(), norm_type=st.sampled_from([0.5, 1.0, 1.5, 2.0, 3.0, 4.0]))
def test_lp_pool(case: Any, norm_type: float) -> None:
    shape, window = case
    name = f"lp_pool{len(shape) - 2}d"
    rng = np.random.default_rng(1)
    x = rng.uniform(0.2, 1.5, shape) * rng.choice([-1.0, 1.0], shape)
    y = assert_agrees(name, x, norm_type, **window)
    if y is None:
        return
    dy = rng.standard_normal(y.shape)
    dx = assert_agrees(f"{name}_grad", dy, x, norm_type, **window)
    again = getattr(ops, f"{name}_grad")(dy, x, norm_type, **window, y=y)
    np.testing.assert_array_equal(again, dx)
    assert_slope(lambda v: getattr(ops, name)(v, norm_type, **window), x, dy, dx)


@random_shapes
@given(case=windows(), output=st.lists(st.integers(1, 6), min_size=3, max_size=3))
def test_adaptive_pool(case: Any, output: list[int]) -> None:
    shape, _ = case
    rank = len(shape) - 2
    size = tuple(output[:rank])
    rng = np.random.default_rng(1)
    x = rng.integers(-3, 4, shape).astype(np.float64)
    assert_agrees(f"adaptive_max_pool{rank}d", x, size)
    y, indices = assert_agrees(f"adaptive_max_pool{rank}d_with_indices", x, size)
    dy = rng.standard_normal(y.shape)
    assert_agrees(f"adaptive_max_pool{rank}d_grad", dy, indices, shape)
    assert_agrees(f"adaptive_avg_pool{rank}d", x, size)
    assert_agrees(f"adaptive_avg_pool{rank}d_grad", dy, shape, size)


@pytest.mark.parametrize("output_size", [1, 2, 3])
def test_adaptive_max_of_long_rows(output_size: int, isa: str) -> None:
    rng = np.random.default_rng(0)
    for length in (129, 200, 1001):
        x = rng.integers(-2, 3, (2, 3, length)).astype(np.float64)  # ties
        x[0, 0, length // 3 :: 7] = np.nan
        x[0, 1] = -np.inf
        assert_agrees("adaptive_max_pool1d_with_indices", x, output_size)


@pytest.mark.parametrize("norm_type", [0.5, 1.0, 1.5, 2.0, 3.0])
def test_lp_pool_has_no_gradient_at_0_and_keeps_nan(norm_type: float, isa: str) -> None:
    x = np.zeros((1, 1, 20), np.float32)
    x[0, 0, 4], x[0, 0, 9] = -3.0, np.nan
    y = ops.lp_pool1d(x, norm_type, 2)
    assert y[0, 0, 0] == 0
    assert abs(y[0, 0, 2] - 3) < 1e-5
    assert np.flatnonzero(np.isnan(y)).tolist() == [4]
    dx = ops.lp_pool1d_grad(np.ones_like(y), x, norm_type, 2)
    assert abs(dx[0, 0, 4] + 1) < 1e-5
    assert np.isnan(dx[0, 0, 9])
    others = np.delete(dx[0, 0], [4, 8, 9])
    np.testing.assert_array_equal(others, 0)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_draws_follow_the_elements(dtype: Any, isa: str) -> None:
    x = np.tile(np.array([[1.0, -9.0], [5.0, 2.0]], dtype), (1, 1, 100, 100))
    y = ops.stochastic_pool2d(x, 2, seed=3)
    values, counts = np.unique(y, return_counts=True)
    assert values.tolist() == [1.0, 2.0, 5.0]
    np.testing.assert_allclose(counts / y.size, [1 / 8, 2 / 8, 5 / 8], atol=0.015)
    dx = ops.stochastic_pool2d_grad(np.ones_like(y), x, 2, seed=3)
    drawn = np.where(dx > 0, x, 0).reshape(1, 1, 100, 2, 100, 2).sum((3, 5))
    np.testing.assert_array_equal(drawn, y)
    assert set(np.unique(dx)) == {0.0, 1.0}


def test_a_draw_depends_on_seed_and_place_alone() -> None:
    x = np.abs(np.random.default_rng(0).standard_normal((3, 2, 8, 12)))
    y = ops.stochastic_pool2d(x, 2, seed=1)
    counters = 2 * 4 * 6 // 4  # of one sample
    np.testing.assert_array_equal(ops.stochastic_pool2d(x[1:], 2, seed=1, offset=counters), y[1:])
    assert not np.array_equal(ops.stochastic_pool2d(x, 2, seed=2), y)
    assert not np.array_equal(ops.stochastic_pool2d(x, 2, seed=1, offset=1), y)


def test_windows_without_a_positive_element() -> None:
    x = np.array([[[[0.0, -1.0, np.inf, 1.0, np.nan, 1.0]]]])
    for seed in (1, None):
        y = ops.stochastic_pool2d(x, (1, 2), seed=seed)
        np.testing.assert_array_equal(y, [[[[0.0, np.inf, np.nan]]]])
        assert not ops.stochastic_pool2d_grad(np.ones_like(y), x, (1, 2), seed=seed).any()


@random_shapes
@given(
    shape=st.tuples(st.integers(0, 2), st.integers(1, 3), st.integers(0, 9), st.integers(0, 40)),
    size=st.sampled_from([1, 3, 5, 7, 21]),
    beta=st.sampled_from([0.5, 0.75, 1.0, 1.3]),
)
def test_lrn_within(shape: Any, size: int, beta: float) -> None:
    rng = np.random.default_rng(1)
    x, dy = rng.standard_normal(shape), rng.standard_normal(shape)
    options = {"alpha": float(size**2), "beta": beta, "k": 1.5, "region": "within"}
    assert_agrees("local_response_norm", x, size, **options)
    dx = assert_agrees("local_response_norm_grad", dy, x, size, **options)
    assert_slope(lambda v: ops.local_response_norm(v, size, **options), x, dy, dx)
