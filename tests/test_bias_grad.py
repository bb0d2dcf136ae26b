"""bias_grad's sums: exact to a rounding for any length, the same for any number of threads."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from striate import ops

Array = npt.NDArray[Any]

# (N, C, ...) with axis 1, (..., C) with axis -1: around the sizes of vectors, blocks and chunks.
SHAPES: list[tuple[tuple[int, ...], int]] = [
    ((1, 1), 1),
    ((2, 3), -1),
    ((3, 5, 1, 1), 1),
    ((67, 131), -1),
    ((1025, 1), -1),
    ((5, 7, 517), -1),
    ((2, 1031), 1),
    ((33, 65, 7, 7), 1),
    ((70, 3, 2), 1),
    ((300, 66, 3), 1),
    ((2, 3, 131, 257), 1),
    ((1, 1, 32769), 1),
    ((2, 40_000, 2), 1),
    ((3, 4, 5), 0),
]


def exact(dy: Array, axis: int) -> list[float]:
    columns = np.moveaxis(dy, axis, 0).reshape(dy.shape[axis], -1).astype(np.float64)
    return [math.fsum(column.tolist()) for column in columns]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(("shape", "axis"), SHAPES)
def test_sums_are_exact_for_whole_numbers(
    isa: str, dtype: type, shape: tuple[int, ...], axis: int
) -> None:
    # Sums below 2^24 round nowhere, so every element must count once.
    dy: Array = np.random.default_rng(0).integers(-99, 100, shape).astype(dtype)
    y: Array = np.random.default_rng(1).integers(-1, 2, shape).astype(dtype)
    y.flat[0] = np.nan
    assert ops.bias_grad(dy, axis=axis).tolist() == exact(dy, axis)
    masked = np.where(y <= 0, 0, dy)
    assert ops.bias_grad(dy, axis=axis, y=y).tolist() == exact(masked, axis)


@pytest.mark.parametrize(
    ("shape", "axis"), [((1_000_003, 3), -1), ((1, 2, 700_001), 1), ((200_003, 2, 5), 1)]
)
def test_long_sums_keep_their_digits(isa: str, shape: tuple[int, ...], axis: int) -> None:
    # One running float32 sum would round the same way always, and end up wrong by 1e-4.
    dy = np.full(shape, 0.1, np.float32)
    np.testing.assert_allclose(ops.bias_grad(dy, axis=axis), exact(dy, axis), rtol=4e-7)


@pytest.mark.parametrize(
    ("shape", "axis"), [((9001, 37), -1), ((65, 40, 9, 11), 1), ((3, 2, 99_991), 1)]
)
def test_threads_do_not_change_the_bits(
    isa: str, threads: Callable[[int], None], shape: tuple[int, ...], axis: int
) -> None:
    dy = np.random.default_rng(0).standard_normal(shape).astype(np.float32)
    results = set()
    for count in (1, 2, 7):
        threads(count)
        results.add(ops.bias_grad(dy, axis=axis, y=-dy).tobytes())
    assert len(results) == 1


@pytest.mark.parametrize(
    ("shape", "axis"), [((0, 3), 1), ((3, 0), 1), ((2, 3, 0), 1), ((0, 0), -1)]
)
def test_sums_of_nothing(shape: tuple[int, ...], axis: int) -> None:
    db = ops.bias_grad(np.ones(shape, np.float32), axis=axis)
    assert db.dtype == np.float32
    assert db.tolist() == [0] * shape[axis]


def test_what_the_mask_hides_does_not_matter(isa: str) -> None:
    dy = np.array([[1.0, np.nan], [np.inf, 2.0]])
    y = np.array([[1.0, 0.0], [-1.0, 3.0]])
    assert ops.bias_grad(dy, axis=-1, y=y).tolist() == [1, 2]
    assert np.isnan(ops.bias_grad(dy, axis=-1)[1])
