"""Max pooling with a given output size."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from typing import Any

import numpy as np

from striate._typing import FloatArray, IntArray, IntOrPair, IntOrSingle, IntOrTriple

from ._window import LAYOUTS, adaptive_bounds
from .pool import best, scatter


def adaptive_max_pool1d(x: FloatArray, output_size: IntOrSingle) -> FloatArray:
    """The maximum of each window; a NaN wins."""
    return _adaptive("adaptive_max_pool1d", 1, x, output_size)[0]


def adaptive_max_pool2d(x: FloatArray, output_size: IntOrPair) -> FloatArray:
    """The maximum of each window; a NaN wins."""
    return _adaptive("adaptive_max_pool2d", 2, x, output_size)[0]


def adaptive_max_pool3d(x: FloatArray, output_size: IntOrTriple) -> FloatArray:
    """The maximum of each window; a NaN wins."""
    return _adaptive("adaptive_max_pool3d", 3, x, output_size)[0]


def adaptive_max_pool1d_with_indices(
    x: FloatArray, output_size: IntOrSingle
) -> tuple[FloatArray, IntArray]:
    """The maxima and where they lie in the plane, counted in row-major order: the first ones."""
    return _adaptive("adaptive_max_pool1d_with_indices", 1, x, output_size)


def adaptive_max_pool2d_with_indices(
    x: FloatArray, output_size: IntOrPair
) -> tuple[FloatArray, IntArray]:
    """The maxima and where they lie in the plane, counted in row-major order: the first ones."""
    return _adaptive("adaptive_max_pool2d_with_indices", 2, x, output_size)


def adaptive_max_pool3d_with_indices(
    x: FloatArray, output_size: IntOrTriple
) -> tuple[FloatArray, IntArray]:
    """The maxima and where they lie in the plane, counted in row-major order: the first ones."""
    return _adaptive("adaptive_max_pool3d_with_indices", 3, x, output_size)


def adaptive_max_pool1d_grad(
    dy: FloatArray, indices: IntArray, x_shape: tuple[int, ...]
) -> FloatArray:
    """Adds each dy to the element that won its window."""
    return scatter("adaptive_max_pool1d_grad", dy, indices, x_shape)


def adaptive_max_pool2d_grad(
    dy: FloatArray, indices: IntArray, x_shape: tuple[int, ...]
) -> FloatArray:
    """Adds each dy to the element that won its window."""
    return scatter("adaptive_max_pool2d_grad", dy, indices, x_shape)


def adaptive_max_pool3d_grad(
    dy: FloatArray, indices: IntArray, x_shape: tuple[int, ...]
) -> FloatArray:
    """Adds each dy to the element that won its window."""
    return scatter("adaptive_max_pool3d_grad", dy, indices, x_shape)


def _adaptive(
    function: str, rank: int, x: FloatArray, output_size: int | tuple[int, ...]
) -> tuple[FloatArray, IntArray]:
    if x.ndim != rank + 2:
        raise ValueError(f"{function}: x must be {LAYOUTS[rank]}. Got shape {x.shape}.")
    bounds = adaptive_bounds(function, x.shape, output_size)
    widest = [max(end - begin) for begin, end in bounds]

    def candidates() -> Iterator[tuple[FloatArray, IntArray]]:
        for tap in product(*map(range, widest)):
            # A window that is narrower than the widest sees its last element several times.
            places = [
                np.minimum(begin + i, end - 1) for i, (begin, end) in zip(tap, bounds, strict=True)
            ]
            grid: Any = np.ix_(*places)
            yield x[(..., *grid)], np.ravel_multi_index(grid, x.shape[2:])

    return best(candidates(), (*x.shape[:2], *(len(begin) for begin, _ in bounds)), x)
