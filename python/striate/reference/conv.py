"""Convolution (cross-correlation, as everywhere in the field) and its gradients.

What counts is written once, for any number of spatial axes.
"""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np

from striate._typing import (
    Activation,
    FloatArray,
    IntOrPair,
    IntOrSingle,
    IntOrTriple,
    Padding,
    Padding1d,
    Padding3d,
)

from ._window import LAYOUTS, Window
from .activation import activate, mask_grad

_Geometry = tuple[Any, Any, Any, int]  # stride, padding, dilation, groups


def conv1d(
    x: FloatArray,
    w: FloatArray,
    b: FloatArray | None = None,
    *,
    stride: IntOrSingle = 1,
    padding: Padding1d = 0,
    dilation: IntOrSingle = 1,
    groups: int = 1,
    activation: Activation = None,
) -> FloatArray:
    """y[n,o,p] = b[o] + sum over c,k of w[o,c,k] x[n,c,p*stride+k*dilation]."""
    geometry = stride, padding, dilation, groups
    return _forward("conv1d", 1, x, w, b, geometry, activation)


def conv2d(
    x: FloatArray,
    w: FloatArray,
    b: FloatArray | None = None,
    *,
    stride: IntOrPair = 1,
    padding: Padding = 0,
    dilation: IntOrPair = 1,
    groups: int = 1,
    activation: Activation = None,
) -> FloatArray:
    """y[n,o,p,q] = b[o] + sum over c,i,j of w[o,c,i,j] x[n,c,p*stride+i*dilation,...]."""
    geometry = stride, padding, dilation, groups
    return _forward("conv2d", 2, x, w, b, geometry, activation)


def conv3d(
    x: FloatArray,
    w: FloatArray,
    b: FloatArray | None = None,
    *,
    stride: IntOrTriple = 1,
    padding: Padding3d = 0,
    dilation: IntOrTriple = 1,
    groups: int = 1,
    activation: Activation = None,
) -> FloatArray:
    """The same over three axes."""
    geometry = stride, padding, dilation, groups
    return _forward("conv3d", 3, x, w, b, geometry, activation)


def conv1d_input_grad(
    dy: FloatArray,
    w: FloatArray,
    x_shape: tuple[int, ...],
    *,
    stride: IntOrSingle = 1,
    padding: Padding1d = 0,
    dilation: IntOrSingle = 1,
    groups: int = 1,
    y: FloatArray | None = None,
) -> FloatArray:
    """Each tap sends w[.., tap].T dy back to the positions that it read."""
    geometry = stride, padding, dilation, groups
    return _input_grad("conv1d_input_grad", 1, dy, w, x_shape, geometry, y)


def conv2d_input_grad(
    dy: FloatArray,
    w: FloatArray,
    x_shape: tuple[int, ...],
    *,
    stride: IntOrPair = 1,
    padding: Padding = 0,
    dilation: IntOrPair = 1,
    groups: int = 1,
    y: FloatArray | None = None,
) -> FloatArray:
    """Each tap sends w[.., tap].T dy back to the positions that it read."""
    geometry = stride, padding, dilation, groups
    return _input_grad("conv2d_input_grad", 2, dy, w, x_shape, geometry, y)


def conv3d_input_grad(
    dy: FloatArray,
    w: FloatArray,
    x_shape: tuple[int, ...],
    *,
    stride: IntOrTriple = 1,
    padding: Padding3d = 0,
    dilation: IntOrTriple = 1,
    groups: int = 1,
    y: FloatArray | None = None,
) -> FloatArray:
    """Each tap sends w[.., tap].T dy back to the positions that it read."""
    geometry = stride, padding, dilation, groups
    return _input_grad("conv3d_input_grad", 3, dy, w, x_shape, geometry, y)


def conv1d_weight_grad(
    dy: FloatArray,
    x: FloatArray,
    w_shape: tuple[int, ...],
    *,
    stride: IntOrSingle = 1,
    padding: Padding1d = 0,
    dilation: IntOrSingle = 1,
    groups: int = 1,
    y: FloatArray | None = None,
) -> FloatArray:
    """dw[.., tap] = dy x.T over the positions that the tap read, summed over the batch."""
    geometry = stride, padding, dilation, groups
    return _weight_grad("conv1d_weight_grad", 1, dy, x, w_shape, geometry, y)


def conv2d_weight_grad(
    dy: FloatArray,
    x: FloatArray,
    w_shape: tuple[int, ...],
    *,
    stride: IntOrPair = 1,
    padding: Padding = 0,
    dilation: IntOrPair = 1,
    groups: int = 1,
    y: FloatArray | None = None,
) -> FloatArray:
    """dw[.., tap] = dy x.T over the positions that the tap read, summed over the batch."""
    geometry = stride, padding, dilation, groups
    return _weight_grad("conv2d_weight_grad", 2, dy, x, w_shape, geometry, y)


def conv3d_weight_grad(
    dy: FloatArray,
    x: FloatArray,
    w_shape: tuple[int, ...],
    *,
    stride: IntOrTriple = 1,
    padding: Padding3d = 0,
    dilation: IntOrTriple = 1,
    groups: int = 1,
    y: FloatArray | None = None,
) -> FloatArray:
    """dw[.., tap] = dy x.T over the positions that the tap read, summed over the batch."""
    geometry = stride, padding, dilation, groups
    return _weight_grad("conv3d_weight_grad", 3, dy, x, w_shape, geometry, y)


def bias_grad(dy: FloatArray, *, axis: int = 1, y: FloatArray | None = None) -> FloatArray:
    """The sum of dy over every axis but one."""
    kept = range(dy.ndim)[axis]
    others = tuple(a for a in range(dy.ndim) if a != kept)
    db: FloatArray = mask_grad(dy, y).sum(axis=others)
    return db


def _forward(
    function: str,
    rank: int,
    x: FloatArray,
    w: FloatArray,
    b: FloatArray | None,
    geometry: _Geometry,
    activation: Activation,
) -> FloatArray:
    window, groups = _window(function, rank, x.shape, w.shape, geometry)
    y = correlate(window, x, w, groups)
    if b is not None:
        y += b.reshape(-1, *(1,) * rank)
    return activate(function, y, activation)


def _input_grad(
    function: str,
    rank: int,
    dy: FloatArray,
    w: FloatArray,
    x_shape: tuple[int, ...],
    geometry: _Geometry,
    y: FloatArray | None,
) -> FloatArray:
    window, groups = _window(function, rank, x_shape, w.shape, geometry)
    _check_dy(function, dy.shape, (x_shape[0], w.shape[0], *window.out))
    return spread(window, mask_grad(dy, y), w, groups)


def _weight_grad(
    function: str,
    rank: int,
    dy: FloatArray,
    x: FloatArray,
    w_shape: tuple[int, ...],
    geometry: _Geometry,
    y: FloatArray | None,
) -> FloatArray:
    window, groups = _window(function, rank, x.shape, w_shape, geometry)
    _check_dy(function, dy.shape, (x.shape[0], w_shape[0], *window.out))
    return products(window, mask_grad(dy, y), x, w_shape, groups)


# The three sums over a convolution's terms; a transposed convolution has them in other roles.


def correlate(window: Window, x: FloatArray, w: FloatArray, groups: int) -> FloatArray:
    """The sum over the taps of w[.., tap] times what the tap reads of x."""
    padded = window.pad(x)
    filters = _split_filters(w, groups)
    y = np.zeros((x.shape[0], groups, w.shape[0] // groups, prod(window.out)), x.dtype)
    for tap, positions in window.taps():
        y += _tap(filters, tap) @ _split_channels(padded[positions], groups)
    return y.reshape(x.shape[0], w.shape[0], *window.out)


def spread(window: Window, dy: FloatArray, w: FloatArray, groups: int) -> FloatArray:
    """What `correlate` reads, as the sum of w[.., tap].T dy."""
    shape = (dy.shape[0], w.shape[1] * groups)
    dy_groups = _split_channels(dy, groups)
    filters = _split_filters(w, groups)
    dx = window.pad(np.zeros((*shape, *window.size), dy.dtype))
    for tap, positions in window.taps():
        back = np.swapaxes(_tap(filters, tap), -1, -2) @ dy_groups
        dx[positions] += back.reshape(*shape, *window.out)
    return np.ascontiguousarray(window.crop(dx))


def products(
    window: Window, dy: FloatArray, x: FloatArray, w_shape: tuple[int, ...], groups: int
) -> FloatArray:
    """For each tap dy x.T, summed over the batch."""
    padded = window.pad(x)
    dy_groups = _split_channels(dy, groups)
    dw = np.zeros(w_shape, dy.dtype)
    for tap, positions in window.taps():
        patch = _split_channels(padded[positions], groups)
        product = dy_groups @ np.swapaxes(patch, -1, -2)
        _tap(dw, tap)[...] = product.sum(axis=0).reshape(w_shape[:2])
    return dw


def _tap(w: FloatArray, tap: tuple[int, ...]) -> FloatArray:
    """The view of w at one kernel element."""
    index: Any = (..., *tap)
    view: FloatArray = w[index]
    return view


def _split_channels(a: FloatArray, groups: int) -> FloatArray:
    """(N, C, spatial) -> (N, groups, C / groups, positions)."""
    n, channels, *spatial = a.shape
    return a.reshape(n, groups, channels // groups, prod(spatial))


def _split_filters(w: FloatArray, groups: int) -> FloatArray:
    """(C_out, C, K) -> (groups, C_out / groups, C, K)."""
    return w.reshape(groups, w.shape[0] // groups, *w.shape[1:])


def _window(
    function: str,
    rank: int,
    x_shape: tuple[int, ...],
    w_shape: tuple[int, ...],
    geometry: _Geometry,
) -> tuple[Window, int]:
    stride, padding, dilation, groups = geometry
    if len(x_shape) != rank + 2 or len(w_shape) != rank + 2:
        raise ValueError(
            f"{function}: x must be {LAYOUTS[rank]} and w (C_out, C_in / groups, ...). "
            f"Got shapes {tuple(x_shape)}, {tuple(w_shape)}."
        )
    if groups < 1 or x_shape[1] % groups or w_shape[0] % groups:
        raise ValueError(
            f"{function}: groups must divide C_in and C_out. "
            f"Got groups={groups}, C_in={x_shape[1]}, C_out={w_shape[0]}."
        )
    if w_shape[1] * groups != x_shape[1]:
        raise ValueError(
            f"{function}: w must have C_in / groups channels. "
            f"Got C_in={x_shape[1]}, groups={groups}, w of shape {tuple(w_shape)}."
        )
    return Window.of(function, x_shape[2:], w_shape[2:], stride, padding, dilation), groups


def _check_dy(function: str, got: tuple[int, ...], expected: tuple[int, ...]) -> None:
    if got != expected:
        raise ValueError(f"{function}: dy must have shape {expected}. Got {got}.")
