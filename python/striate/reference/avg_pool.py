"""Average pooling."""

from __future__ import annotations

import numpy as np

from striate._typing import FloatArray, IntOrPair, Padding

from ._window import Window, pair


def avg_pool2d(
    x: FloatArray,
    kernel_size: IntOrPair,
    *,
    stride: IntOrPair | None = None,
    padding: Padding = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
) -> FloatArray:
    """The sum of each window, divided by the number of its pixels that count."""
    if x.ndim != 4:
        raise ValueError(f"avg_pool2d: x must be (N, C, H, W). Got shape {x.shape}.")
    window = _window("avg_pool2d", x.shape, kernel_size, stride, padding, ceil_mode)
    padded = window.pad(x)
    y = np.zeros((*x.shape[:2], *window.out), x.dtype)
    for _, _, positions in window.taps():
        y += padded[(..., *positions)]
    return y / _counts(window, count_include_pad).astype(x.dtype)


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
    """Each pixel's sum of dy / count over the windows that hold it."""
    window = _window("avg_pool2d_grad", x_shape, kernel_size, stride, padding, ceil_mode)
    padded = window.pad(np.zeros(x_shape, dy.dtype))
    share = dy / _counts(window, count_include_pad).astype(dy.dtype)
    for _, _, positions in window.taps():
        padded[(..., *positions)] += share
    return np.ascontiguousarray(window.crop(padded))


def adaptive_avg_pool2d(x: FloatArray, output_size: IntOrPair) -> FloatArray:
    """The mean over the rows and columns of each window, which is an average over both axes."""
    rows, columns = _averages("adaptive_avg_pool2d", x.shape, output_size)
    return np.asarray(rows.astype(x.dtype) @ x @ columns.T.astype(x.dtype))


def adaptive_avg_pool2d_grad(
    dy: FloatArray, x_shape: tuple[int, ...], output_size: IntOrPair
) -> FloatArray:
    """The transposed averages."""
    rows, columns = _averages("adaptive_avg_pool2d_grad", x_shape, output_size)
    return np.asarray(rows.T.astype(dy.dtype) @ dy @ columns.astype(dy.dtype))


def _window(
    function: str,
    x_shape: tuple[int, ...],
    kernel_size: IntOrPair,
    stride: IntOrPair | None,
    padding: Padding,
    ceil_mode: bool,
) -> Window:
    step = kernel_size if stride is None else stride
    return Window.of(function, x_shape[2:], kernel_size, step, padding, 1, ceil_mode=ceil_mode)


def _counts(window: Window, count_include_pad: bool) -> FloatArray:
    """How many pixels of each window count, 1 where none does."""
    counts = []
    for axis in range(2):
        size, (before, after) = window.size[axis], window.pads[axis]
        starts = np.arange(window.out[axis]) * window.stride[axis] - before
        stops = starts + window.kernel[axis]
        low, high = (-before, size + after) if count_include_pad else (0, size)
        inside = np.minimum(stops, high) - np.maximum(starts, low)
        counts.append(np.maximum(inside, 1).astype(np.float64))
    return np.outer(*counts)


def _averages(
    function: str, x_shape: tuple[int, ...], output_size: IntOrPair
) -> tuple[FloatArray, FloatArray]:
    """For rows and columns: the matrix (outputs, inputs) that takes the mean of each window."""
    outs = pair(function, "output_size", output_size, least=1)
    matrices = []
    for size, out in zip(x_shape[2:], outs, strict=True):
        if size < 1:
            raise ValueError(f"{function}: no spatial axis may be empty. Got shape {x_shape}.")
        i, column = np.arange(out)[:, None], np.arange(size)
        begin, end = i * size // out, -(-(i + 1) * size // out)
        matrices.append(((begin <= column) & (column < end)) / (end - begin))
    return matrices[0], matrices[1]
