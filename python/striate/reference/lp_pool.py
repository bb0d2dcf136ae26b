"""Lp pooling."""

from __future__ import annotations

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

from ._window import Window
from .avg_pool import sliding, spread_sums, window_sums

_Options = tuple[Any, Any, Any, bool]  # kernel_size, stride, padding, ceil_mode


def lp_pool1d(
    x: FloatArray,
    norm_type: float,
    kernel_size: IntOrSingle,
    *,
    stride: IntOrSingle | None = None,
    padding: Padding1d = 0,
    ceil_mode: bool = False,
) -> FloatArray:
    """(sum of |x|**p)**(1/p) over each window."""
    options = kernel_size, stride, padding, ceil_mode
    window = _window("lp_pool1d", 1, x.shape, norm_type, options)
    return _norm(window, x, norm_type)


def lp_pool2d(
    x: FloatArray,
    norm_type: float,
    kernel_size: IntOrPair,
    *,
    stride: IntOrPair | None = None,
    padding: Padding = 0,
    ceil_mode: bool = False,
) -> FloatArray:
    """(sum of |x|**p)**(1/p) over each window."""
    options = kernel_size, stride, padding, ceil_mode
    window = _window("lp_pool2d", 2, x.shape, norm_type, options)
    return _norm(window, x, norm_type)


def lp_pool3d(
    x: FloatArray,
    norm_type: float,
    kernel_size: IntOrTriple,
    *,
    stride: IntOrTriple | None = None,
    padding: Padding3d = 0,
    ceil_mode: bool = False,
) -> FloatArray:
    """(sum of |x|**p)**(1/p) over each window."""
    options = kernel_size, stride, padding, ceil_mode
    window = _window("lp_pool3d", 3, x.shape, norm_type, options)
    return _norm(window, x, norm_type)


def lp_pool1d_grad(
    dy: FloatArray,
    x: FloatArray,
    norm_type: float,
    kernel_size: IntOrSingle,
    *,
    stride: IntOrSingle | None = None,
    padding: Padding1d = 0,
    ceil_mode: bool = False,
    y: FloatArray | None = None,
) -> FloatArray:
    """sign(x) |x|**(p-1) times each element's sum of dy y**(1-p) over the windows that hold it."""
    options = kernel_size, stride, padding, ceil_mode
    window = _window("lp_pool1d_grad", 1, x.shape, norm_type, options)
    return _norm_grad(window, dy, x, norm_type, y)


def lp_pool2d_grad(
    dy: FloatArray,
    x: FloatArray,
    norm_type: float,
    kernel_size: IntOrPair,
    *,
    stride: IntOrPair | None = None,
    padding: Padding = 0,
    ceil_mode: bool = False,
    y: FloatArray | None = None,
) -> FloatArray:
    """sign(x) |x|**(p-1) times each element's sum of dy y**(1-p) over the windows that hold it."""
    options = kernel_size, stride, padding, ceil_mode
    window = _window("lp_pool2d_grad", 2, x.shape, norm_type, options)
    return _norm_grad(window, dy, x, norm_type, y)


def lp_pool3d_grad(
    dy: FloatArray,
    x: FloatArray,
    norm_type: float,
    kernel_size: IntOrTriple,
    *,
    stride: IntOrTriple | None = None,
    padding: Padding3d = 0,
    ceil_mode: bool = False,
    y: FloatArray | None = None,
) -> FloatArray:
    """sign(x) |x|**(p-1) times each element's sum of dy y**(1-p) over the windows that hold it."""
    options = kernel_size, stride, padding, ceil_mode
    window = _window("lp_pool3d_grad", 3, x.shape, norm_type, options)
    return _norm_grad(window, dy, x, norm_type, y)


def _window(
    function: str, rank: int, x_shape: tuple[int, ...], norm_type: float, options: _Options
) -> Window:
    if not (norm_type > 0 and np.isfinite(norm_type)):
        raise ValueError(f"{function}: norm_type must be positive and finite. Got {norm_type}.")
    return sliding(function, rank, x_shape, options)


def _norm(window: Window, x: FloatArray, p: float) -> FloatArray:
    root: FloatArray = window_sums(window, np.abs(x) ** p) ** (1 / p)
    return root


def _norm_grad(
    window: Window, dy: FloatArray, x: FloatArray, p: float, y: FloatArray | None
) -> FloatArray:
    y = _norm(window, x, p) if y is None else y
    # For p > 1, 0**(1-p) is infinite, and for p < 1, 0**(p-1): both are 0 here.
    share = np.where(y == 0, 0, dy * np.where(y == 0, 1, y) ** (1 - p))
    slope = np.sign(x) * np.where(x == 0, 1, np.abs(x)) ** (p - 1)
    return spread_sums(window, share) * slope
