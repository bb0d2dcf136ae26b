"""Average pooling."""

from __future__ import annotations

from functools import reduce
from typing import Any

import numpy as np

from striate._typing import (
    FloatArray,
    IntOrPair,
    IntOrSingle,
    IntOrTriple,
    Padding,
    Padding1d,
    Padding3d,
)

from ._window import LAYOUTS, Window, adaptive_bounds

_Options = tuple[Any, Any, Any, bool]  # kernel_size, stride, padding, ceil_mode


def avg_pool1d(
    x: FloatArray,
    kernel_size: IntOrSingle,
    *,
    stride: IntOrSingle | None = None,
    padding: Padding1d = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
) -> FloatArray:
    """The sum of each window, divided by the number of its elements that count."""
    options = kernel_size, stride, padding, ceil_mode
    return _average("avg_pool1d", 1, x, options, count_include_pad)


def avg_pool2d(
    x: FloatArray,
    kernel_size: IntOrPair,
    *,
    stride: IntOrPair | None = None,
    padding: Padding = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
) -> FloatArray:
    """The sum of each window, divided by the number of its elements that count."""
    options = kernel_size, stride, padding, ceil_mode
    return _average("avg_pool2d", 2, x, options, count_include_pad)


def avg_pool3d(
    x: FloatArray,
    kernel_size: IntOrTriple,
    *,
    stride: IntOrTriple | None = None,
    padding: Padding3d = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
) -> FloatArray:
    """The sum of each window, divided by the number of its elements that count."""
    options = kernel_size, stride, padding, ceil_mode
    return _average("avg_pool3d", 3, x, options, count_include_pad)


def avg_pool1d_grad(
    dy: FloatArray,
    x_shape: tuple[int, ...],
    kernel_size: IntOrSingle,
    *,
    stride: IntOrSingle | None = None,
    padding: Padding1d = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
) -> FloatArray:
    """Each element's sum of dy / count over the windows that hold it."""
    options = kernel_size, stride, padding, ceil_mode
    return _average_grad("avg_pool1d_grad", 1, dy, x_shape, options, count_include_pad)


def avg_pool2d_grad(
    dy: FloatArray,
    x_shape: tuple[int, ...],
    kernel_size: IntOrPair,
    *,
    stride: IntOrPair | None = None,
    padding: Padding = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
) -> FloatArray:
    """Each element's sum of dy / count over the windows that hold it."""
    options = kernel_size, stride, padding, ceil_mode
    return _average_grad("avg_pool2d_grad", 2, dy, x_shape, options, count_include_pad)


def avg_pool3d_grad(
    dy: FloatArray,
    x_shape: tuple[int, ...],
    kernel_size: IntOrTriple,
    *,
    stride: IntOrTriple | None = None,
    padding: Padding3d = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
) -> FloatArray:
    """Each element's sum of dy / count over the windows that hold it."""
    options = kernel_size, stride, padding, ceil_mode
    return _average_grad("avg_pool3d_grad", 3, dy, x_shape, options, count_include_pad)


def adaptive_avg_pool1d(x: FloatArray, output_size: IntOrSingle) -> FloatArray:
    """The means along one axis after the other."""
    return _along_axes(x, _averages("adaptive_avg_pool1d", 1, x.shape, output_size))


def adaptive_avg_pool2d(x: FloatArray, output_size: IntOrPair) -> FloatArray:
    """The means along one axis after the other."""
    return _along_axes(x, _averages("adaptive_avg_pool2d", 2, x.shape, output_size))


def adaptive_avg_pool3d(x: FloatArray, output_size: IntOrTriple) -> FloatArray:
    """The means along one axis after the other."""
    return _along_axes(x, _averages("adaptive_avg_pool3d", 3, x.shape, output_size))


def adaptive_avg_pool1d_grad(
    dy: FloatArray, x_shape: tuple[int, ...], output_size: IntOrSingle
) -> FloatArray:
    """The transposed averages."""
    matrices = _averages("adaptive_avg_pool1d_grad", 1, x_shape, output_size)
    return _along_axes(dy, [matrix.T for matrix in matrices])


def adaptive_avg_pool2d_grad(
    dy: FloatArray, x_shape: tuple[int, ...], output_size: IntOrPair
) -> FloatArray:
    """The transposed averages."""
    matrices = _averages("adaptive_avg_pool2d_grad", 2, x_shape, output_size)
    return _along_axes(dy, [matrix.T for matrix in matrices])


def adaptive_avg_pool3d_grad(
    dy: FloatArray, x_shape: tuple[int, ...], output_size: IntOrTriple
) -> FloatArray:
    """The transposed averages."""
    matrices = _averages("adaptive_avg_pool3d_grad", 3, x_shape, output_size)
    return _along_axes(dy, [matrix.T for matrix in matrices])


def _average(
    function: str, rank: int, x: FloatArray, options: _Options, count_include_pad: bool
) -> FloatArray:
    window = sliding(function, rank, x.shape, options)
    return window_sums(window, x) / _counts(window, count_include_pad).astype(x.dtype)


def _average_grad(
    function: str,
    rank: int,
    dy: FloatArray,
    x_shape: tuple[int, ...],
    options: _Options,
    count_include_pad: bool,
) -> FloatArray:
    window = sliding(function, rank, x_shape, options)
    share = dy / _counts(window, count_include_pad).astype(dy.dtype)
    return spread_sums(window, share)


def sliding(function: str, rank: int, x_shape: tuple[int, ...], options: _Options) -> Window:
    """The window of a pooling without dilation."""
    kernel_size, stride, padding, ceil_mode = options
    if len(x_shape) != rank + 2:
        raise ValueError(f"{function}: x must be {LAYOUTS[rank]}. Got shape {tuple(x_shape)}.")
    step = kernel_size if stride is None else stride
    return Window.of(function, x_shape[2:], kernel_size, step, padding, 1, ceil_mode=ceil_mode)


def window_sums(window: Window, x: FloatArray) -> FloatArray:
    """The sum of each window."""
    padded = window.pad(x)
    y = np.zeros((*x.shape[:2], *window.out), x.dtype)
    for _, positions in window.taps():
        y += padded[positions]
    return y


def spread_sums(window: Window, dy: FloatArray) -> FloatArray:
    """For each element of the input, the sum of dy over the windows that hold it."""
    padded = window.pad(np.zeros((*dy.shape[:2], *window.size), dy.dtype))
    for _, positions in window.taps():
        padded[positions] += dy
    return np.ascontiguousarray(window.crop(padded))


def _counts(window: Window, count_include_pad: bool) -> FloatArray:
    """How many elements of each window count, 1 where none does."""
    counts = []
    for axis, (before, after) in enumerate(window.pads):
        size = window.size[axis]
        starts = np.arange(window.out[axis]) * window.stride[axis] - before
        stops = starts + window.kernel[axis]
        low, high = (-before, size + after) if count_include_pad else (0, size)
        inside = np.minimum(stops, high) - np.maximum(starts, low)
        counts.append(np.maximum(inside, 1).astype(np.float64))
    return reduce(np.multiply.outer, counts)


def _averages(
    function: str, rank: int, x_shape: tuple[int, ...], output_size: int | tuple[int, ...]
) -> list[FloatArray]:
    """For each axis the matrix (outputs, inputs) that takes the mean of each window."""
    if len(x_shape) != rank + 2:
        raise ValueError(f"{function}: x must be {LAYOUTS[rank]}. Got shape {tuple(x_shape)}.")
    matrices: list[FloatArray] = []
    bounds = adaptive_bounds(function, x_shape, output_size)
    for size, (begin, end) in zip(x_shape[2:], bounds, strict=True):
        i, column = np.arange(size), (slice(None), None)
        inside = (begin[column] <= i) & (i < end[column])
        matrices.append(inside / (end - begin)[column])
    return matrices


def _along_axes(x: FloatArray, matrices: list[FloatArray]) -> FloatArray:
    for axis, matrix in enumerate(matrices, start=2):
        x = np.swapaxes(np.swapaxes(x, axis, -1) @ matrix.T.astype(x.dtype), axis, -1)
    return np.ascontiguousarray(x)
