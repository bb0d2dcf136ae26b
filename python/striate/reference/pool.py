"""Max pooling."""

from __future__ import annotations

from collections.abc import Iterator
from math import prod
from typing import Any

import numpy as np

from striate._typing import (
    FloatArray,
    IntArray,
    IntOrPair,
    IntOrSingle,
    IntOrTriple,
    Padding,
    Padding1d,
    Padding3d,
)

from ._window import LAYOUTS, Window

_Options = tuple[Any, Any, Any, Any, bool]  # kernel_size, stride, padding, dilation, ceil_mode


def max_pool1d(
    x: FloatArray,
    kernel_size: IntOrSingle,
    *,
    stride: IntOrSingle | None = None,
    padding: Padding1d = 0,
    dilation: IntOrSingle = 1,
    ceil_mode: bool = False,
) -> FloatArray:
    """The maximum of each window; a NaN wins, and padding counts as -inf."""
    options = kernel_size, stride, padding, dilation, ceil_mode
    return _max_pool("max_pool1d", 1, x, options)[0]


def max_pool2d(
    x: FloatArray,
    kernel_size: IntOrPair,
    *,
    stride: IntOrPair | None = None,
    padding: Padding = 0,
    dilation: IntOrPair = 1,
    ceil_mode: bool = False,
) -> FloatArray:
    """The maximum of each window; a NaN wins, and padding counts as -inf."""
    options = kernel_size, stride, padding, dilation, ceil_mode
    return _max_pool("max_pool2d", 2, x, options)[0]


def max_pool3d(
    x: FloatArray,
    kernel_size: IntOrTriple,
    *,
    stride: IntOrTriple | None = None,
    padding: Padding3d = 0,
    dilation: IntOrTriple = 1,
    ceil_mode: bool = False,
) -> FloatArray:
    """The maximum of each window; a NaN wins, and padding counts as -inf."""
    options = kernel_size, stride, padding, dilation, ceil_mode
    return _max_pool("max_pool3d", 3, x, options)[0]


def max_pool1d_with_indices(
    x: FloatArray,
    kernel_size: IntOrSingle,
    *,
    stride: IntOrSingle | None = None,
    padding: Padding1d = 0,
    dilation: IntOrSingle = 1,
    ceil_mode: bool = False,
) -> tuple[FloatArray, IntArray]:
    """The maxima and where they lie in the plane, counted in row-major order: the first ones.

    A window wholly in the padding gives -inf and index -1.
    """
    options = kernel_size, stride, padding, dilation, ceil_mode
    return _max_pool("max_pool1d_with_indices", 1, x, options)


def max_pool2d_with_indices(
    x: FloatArray,
    kernel_size: IntOrPair,
    *,
    stride: IntOrPair | None = None,
    padding: Padding = 0,
    dilation: IntOrPair = 1,
    ceil_mode: bool = False,
) -> tuple[FloatArray, IntArray]:
    """The maxima and where they lie in the plane, counted in row-major order: the first ones.

    A window wholly in the padding gives -inf and index -1.
    """
    options = kernel_size, stride, padding, dilation, ceil_mode
    return _max_pool("max_pool2d_with_indices", 2, x, options)


def max_pool3d_with_indices(
    x: FloatArray,
    kernel_size: IntOrTriple,
    *,
    stride: IntOrTriple | None = None,
    padding: Padding3d = 0,
    dilation: IntOrTriple = 1,
    ceil_mode: bool = False,
) -> tuple[FloatArray, IntArray]:
    """The maxima and where they lie in the plane, counted in row-major order: the first ones.

    A window wholly in the padding gives -inf and index -1.
    """
    options = kernel_size, stride, padding, dilation, ceil_mode
    return _max_pool("max_pool3d_with_indices", 3, x, options)


def max_pool1d_grad(dy: FloatArray, indices: IntArray, x_shape: tuple[int, ...]) -> FloatArray:
    """Adds each dy to the element that won its window."""
    return scatter("max_pool1d_grad", dy, indices, x_shape)


def max_pool2d_grad(dy: FloatArray, indices: IntArray, x_shape: tuple[int, ...]) -> FloatArray:
    """Adds each dy to the element that won its window."""
    return scatter("max_pool2d_grad", dy, indices, x_shape)


def max_pool3d_grad(dy: FloatArray, indices: IntArray, x_shape: tuple[int, ...]) -> FloatArray:
    """Adds each dy to the element that won its window."""
    return scatter("max_pool3d_grad", dy, indices, x_shape)


def scatter(
    function: str, dy: FloatArray, indices: IntArray, x_shape: tuple[int, ...]
) -> FloatArray:
    """dx with each dy added where its index says; -1 is nowhere."""
    size = prod(x_shape[2:])
    wrong = indices[(indices < -1) | (indices >= size)]
    if wrong.size:
        raise ValueError(
            f"{function}: indices must be in [-1, {size}). "
            f"Got x_shape={tuple(x_shape)}, index {wrong[0]}."
        )
    dx = np.zeros((x_shape[0] * x_shape[1], size), dy.dtype)
    rows = np.arange(len(dx)).reshape(*x_shape[:2], *(1,) * (dy.ndim - 2))
    planes = np.broadcast_to(rows, dy.shape)
    won = indices >= 0
    np.add.at(dx, (planes[won], indices[won]), dy[won])
    return dx.reshape(x_shape)


def best(
    candidates: Iterator[tuple[FloatArray, IntArray]], shape: tuple[int, ...], x: FloatArray
) -> tuple[FloatArray, IntArray]:
    """The greatest of the candidates, which come in the order of their indices, and its index."""
    y: FloatArray = np.full(shape, -np.inf, x.dtype)
    small = prod(x.shape[2:]) < 2**31
    indices: IntArray = np.full(shape, -1, np.int32 if small else np.int64)
    for value, source in candidates:
        # Strictly greater, so that the first of equals stays; the first element of all is taken
        # even when it is -inf (the padding is, with index -1), and the first NaN ends the search.
        better = ((value > y) | (indices < 0) | np.isnan(value)) & ~np.isnan(y)
        y[better] = value[better]
        indices[better] = np.broadcast_to(source, shape)[better]
    return y, indices


def _max_pool(
    function: str, rank: int, x: FloatArray, options: _Options
) -> tuple[FloatArray, IntArray]:
    kernel_size, stride, padding, dilation, ceil_mode = options
    if x.ndim != rank + 2:
        raise ValueError(f"{function}: x must be {LAYOUTS[rank]}. Got shape {x.shape}.")
    step = kernel_size if stride is None else stride
    window = Window.of(
        function, x.shape[2:], kernel_size, step, padding, dilation, ceil_mode=ceil_mode
    )
    padded = window.pad(x, -np.inf)
    taps = ((padded[at], window.sources(tap)) for tap, at in window.taps())
    return best(taps, (*x.shape[:2], *window.out), x)
