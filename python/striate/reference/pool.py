"""Max pooling."""

from __future__ import annotations

import numpy as np

from striate._typing import FloatArray, IntArray, IntOrPair, Padding

from ._window import Window


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
    return _max_pool2d("max_pool2d", x, kernel_size, stride, padding, dilation, ceil_mode)[0]


def max_pool2d_with_indices(
    x: FloatArray,
    kernel_size: IntOrPair,
    *,
    stride: IntOrPair | None = None,
    padding: Padding = 0,
    dilation: IntOrPair = 1,
    ceil_mode: bool = False,
) -> tuple[FloatArray, IntArray]:
    """The maxima and where they lie in the plane H * W: the first one in row-major order.

    A window wholly in the padding gives -inf and index -1.
    """
    return _max_pool2d(
        "max_pool2d_with_indices", x, kernel_size, stride, padding, dilation, ceil_mode
    )


def max_pool2d_grad(dy: FloatArray, indices: IntArray, x_shape: tuple[int, ...]) -> FloatArray:
    """Adds each dy to the pixel that won its window."""
    height, width = x_shape[-2:]
    wrong = indices[(indices < -1) | (indices >= height * width)]
    if wrong.size:
        raise ValueError(
            f"max_pool2d_grad: indices must be in [-1, H * W). "
            f"Got H={height}, W={width}, index {wrong[0]}."
        )
    dx = np.zeros((x_shape[0] * x_shape[1], height * width), dy.dtype)
    planes = np.broadcast_to(np.arange(len(dx)).reshape(*x_shape[:2], 1, 1), dy.shape)
    won = indices >= 0
    np.add.at(dx, (planes[won], indices[won]), dy[won])
    return dx.reshape(x_shape)


def _max_pool2d(
    function: str,
    x: FloatArray,
    kernel_size: IntOrPair,
    stride: IntOrPair | None,
    padding: Padding,
    dilation: IntOrPair,
    ceil_mode: bool,
) -> tuple[FloatArray, IntArray]:
    if x.ndim != 4:
        raise ValueError(f"{function}: x must be (N, C, H, W). Got shape {x.shape}.")
    step = kernel_size if stride is None else stride
    window = Window.of(
        function, x.shape[2:], kernel_size, step, padding, dilation, ceil_mode=ceil_mode
    )
    small = window.size[0] * window.size[1] < 2**31
    padded = window.pad(x, -np.inf)
    y: FloatArray = np.full((*x.shape[:2], *window.out), -np.inf, x.dtype)
    indices: IntArray = np.full(y.shape, -1, np.int32 if small else np.int64)
    for i, j, positions in window.taps():
        value, source = padded[(..., *positions)], window.sources(i, j)
        # Strictly greater, so that the first of equals stays; the first pixel of all is taken
        # even when it is -inf (the padding is, with index -1), and the first NaN ends the search.
        better = ((value > y) | (indices < 0) | np.isnan(value)) & ~np.isnan(y)
        y[better] = value[better]
        indices[better] = np.broadcast_to(source, y.shape)[better]
    return y, indices
