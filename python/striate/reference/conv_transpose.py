"""Transposed convolution: convolution with input and output in each other's place."""

from __future__ import annotations

from typing import Any

from striate._typing import (
    FloatArray,
    IntOrPair,
    IntOrSingle,
    IntOrTriple,
    Padding,
    Padding1d,
    Padding3d,
)

from ._window import LAYOUTS, Window
from .conv import correlate, products, spread

_Geometry = tuple[Any, Any, Any, Any, int]  # stride, padding, output_padding, dilation, groups


def conv_transpose1d(
    x: FloatArray,
    w: FloatArray,
    b: FloatArray | None = None,
    *,
    stride: IntOrSingle = 1,
    padding: Padding1d = 0,
    output_padding: IntOrSingle = 0,
    dilation: IntOrSingle = 1,
    groups: int = 1,
) -> FloatArray:
    """y[n,o] = b[o] + sum over c of x[n,c] spread by the taps of w[c,o]."""
    geometry = stride, padding, output_padding, dilation, groups
    return _forward("conv_transpose1d", 1, x, w, b, geometry)


def conv_transpose2d(
    x: FloatArray,
    w: FloatArray,
    b: FloatArray | None = None,
    *,
    stride: IntOrPair = 1,
    padding: Padding = 0,
    output_padding: IntOrPair = 0,
    dilation: IntOrPair = 1,
    groups: int = 1,
) -> FloatArray:
    """y[n,o] = b[o] + sum over c of x[n,c] spread by the taps of w[c,o]."""
    geometry = stride, padding, output_padding, dilation, groups
    return _forward("conv_transpose2d", 2, x, w, b, geometry)


def conv_transpose3d(
    x: FloatArray,
    w: FloatArray,
    b: FloatArray | None = None,
    *,
    stride: IntOrTriple = 1,
    padding: Padding3d = 0,
    output_padding: IntOrTriple = 0,
    dilation: IntOrTriple = 1,
    groups: int = 1,
) -> FloatArray:
    """y[n,o] = b[o] + sum over c of x[n,c] spread by the taps of w[c,o]."""
    geometry = stride, padding, output_padding, dilation, groups
    return _forward("conv_transpose3d", 3, x, w, b, geometry)


def conv_transpose1d_input_grad(
    dy: FloatArray,
    w: FloatArray,
    x_shape: tuple[int, ...],
    *,
    stride: IntOrSingle = 1,
    padding: Padding1d = 0,
    output_padding: IntOrSingle = 0,
    dilation: IntOrSingle = 1,
    groups: int = 1,
) -> FloatArray:
    """Each input reads through the taps what it wrote through them."""
    geometry = stride, padding, output_padding, dilation, groups
    return _input_grad("conv_transpose1d_input_grad", 1, dy, w, x_shape, geometry)


def conv_transpose2d_input_grad(
    dy: FloatArray,
    w: FloatArray,
    x_shape: tuple[int, ...],
    *,
    stride: IntOrPair = 1,
    padding: Padding = 0,
    output_padding: IntOrPair = 0,
    dilation: IntOrPair = 1,
    groups: int = 1,
) -> FloatArray:
    """Each input reads through the taps what it wrote through them."""
    geometry = stride, padding, output_padding, dilation, groups
    return _input_grad("conv_transpose2d_input_grad", 2, dy, w, x_shape, geometry)


def conv_transpose3d_input_grad(
    dy: FloatArray,
    w: FloatArray,
    x_shape: tuple[int, ...],
    *,
    stride: IntOrTriple = 1,
    padding: Padding3d = 0,
    output_padding: IntOrTriple = 0,
    dilation: IntOrTriple = 1,
    groups: int = 1,
) -> FloatArray:
    """Each input reads through the taps what it wrote through them."""
    geometry = stride, padding, output_padding, dilation, groups
    return _input_grad("conv_transpose3d_input_grad", 3, dy, w, x_shape, geometry)


def conv_transpose1d_weight_grad(
    dy: FloatArray,
    x: FloatArray,
    w_shape: tuple[int, ...],
    *,
    stride: IntOrSingle = 1,
    padding: Padding1d = 0,
    output_padding: IntOrSingle = 0,
    dilation: IntOrSingle = 1,
    groups: int = 1,
) -> FloatArray:
    """dw[.., tap] = x dy.T over the positions that the tap wrote, summed over the batch."""
    geometry = stride, padding, output_padding, dilation, groups
    return _weight_grad("conv_transpose1d_weight_grad", 1, dy, x, w_shape, geometry)


def conv_transpose2d_weight_grad(
    dy: FloatArray,
    x: FloatArray,
    w_shape: tuple[int, ...],
    *,
    stride: IntOrPair = 1,
    padding: Padding = 0,
    output_padding: IntOrPair = 0,
    dilation: IntOrPair = 1,
    groups: int = 1,
) -> FloatArray:
    """dw[.., tap] = x dy.T over the positions that the tap wrote, summed over the batch."""
    geometry = stride, padding, output_padding, dilation, groups
    return _weight_grad("conv_transpose2d_weight_grad", 2, dy, x, w_shape, geometry)


def conv_transpose3d_weight_grad(
    dy: FloatArray,
    x: FloatArray,
    w_shape: tuple[int, ...],
    *,
    stride: IntOrTriple = 1,
    padding: Padding3d = 0,
    output_padding: IntOrTriple = 0,
    dilation: IntOrTriple = 1,
    groups: int = 1,
) -> FloatArray:
    """dw[.., tap] = x dy.T over the positions that the tap wrote, summed over the batch."""
    geometry = stride, padding, output_padding, dilation, groups
    return _weight_grad("conv_transpose3d_weight_grad", 3, dy, x, w_shape, geometry)


def _forward(
    function: str,
    rank: int,
    x: FloatArray,
    w: FloatArray,
    b: FloatArray | None,
    geometry: _Geometry,
) -> FloatArray:
    window, groups = _window(function, rank, x.shape, w.shape, geometry)
    y = spread(window, x, w, groups)
    return y if b is None else y + b.reshape(-1, *(1,) * rank)


def _input_grad(
    function: str,
    rank: int,
    dy: FloatArray,
    w: FloatArray,
    x_shape: tuple[int, ...],
    geometry: _Geometry,
) -> FloatArray:
    window, groups = _window(function, rank, x_shape, w.shape, geometry)
    _check_dy(function, dy.shape, (x_shape[0], w.shape[1] * groups, *window.size))
    return correlate(window, dy, w, groups)


def _weight_grad(
    function: str,
    rank: int,
    dy: FloatArray,
    x: FloatArray,
    w_shape: tuple[int, ...],
    geometry: _Geometry,
) -> FloatArray:
    window, groups = _window(function, rank, x.shape, w_shape, geometry)
    _check_dy(function, dy.shape, (x.shape[0], w_shape[1] * groups, *window.size))
    return products(window, x, dy, w_shape, groups)


def _window(
    function: str,
    rank: int,
    x_shape: tuple[int, ...],
    w_shape: tuple[int, ...],
    geometry: _Geometry,
) -> tuple[Window, int]:
    *options, groups = geometry
    if len(x_shape) != rank + 2 or len(w_shape) != rank + 2:
        raise ValueError(
            f"{function}: x must be {LAYOUTS[rank]} and w (C_in, C_out / groups, ...). "
            f"Got shapes {tuple(x_shape)}, {tuple(w_shape)}."
        )
    if groups < 1 or x_shape[1] % groups or x_shape[1] != w_shape[0]:
        raise ValueError(
            f"{function}: groups must divide C_in, and w have C_in filters. "
            f"Got groups={groups}, C_in={x_shape[1]}, w of shape {tuple(w_shape)}."
        )
    return Window.transposed(function, x_shape[2:], w_shape[2:], *options), groups


def _check_dy(function: str, got: tuple[int, ...], expected: tuple[int, ...]) -> None:
    if got != expected:
        raise ValueError(f"{function}: dy must have shape {expected}. Got {got}.")
