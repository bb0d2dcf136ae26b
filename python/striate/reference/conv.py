"""2-d convolution (cross-correlation, as everywhere in the field) and its gradients."""

from __future__ import annotations

import numpy as np

from striate._typing import Activation, FloatArray, IntOrPair, Padding

from ._window import Window
from .activation import activate, mask_grad


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
    _check("conv2d", x.shape, w.shape, groups)
    window = Window.of("conv2d", x.shape[2:], w.shape[2:], stride, padding, dilation)
    padded = window.pad(x)
    filters = _split_filters(w, groups)
    y = np.zeros((x.shape[0], groups, w.shape[0] // groups, *_flat(window.out)), x.dtype)
    for i, j, positions in window.taps():
        y += filters[..., i, j] @ _split_channels(padded[(..., *positions)], groups)
    y = y.reshape(x.shape[0], w.shape[0], *window.out)
    if b is not None:
        y += b[:, None, None]
    return activate("conv2d", y, activation)


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
    """Each tap sends w[.., i, j].T dy back to the pixels that it read."""
    _check("conv2d_input_grad", x_shape, w.shape, groups)
    window = Window.of("conv2d_input_grad", x_shape[2:], w.shape[2:], stride, padding, dilation)
    _check_dy("conv2d_input_grad", dy.shape, (x_shape[0], w.shape[0], *window.out))
    dy_groups = _split_channels(mask_grad(dy, y), groups)
    filters = _split_filters(w, groups)
    dx = window.pad(np.zeros(x_shape, dy.dtype))
    for i, j, positions in window.taps():
        back = np.swapaxes(filters[..., i, j], -1, -2) @ dy_groups
        dx[(..., *positions)] += back.reshape(*x_shape[:2], *window.out)
    return np.ascontiguousarray(window.crop(dx))


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
    """dw[.., i, j] = dy x.T over the pixels that the tap read, summed over the batch."""
    _check("conv2d_weight_grad", x.shape, w_shape, groups)
    window = Window.of("conv2d_weight_grad", x.shape[2:], w_shape[2:], stride, padding, dilation)
    _check_dy("conv2d_weight_grad", dy.shape, (x.shape[0], w_shape[0], *window.out))
    padded = window.pad(x)
    dy_groups = _split_channels(mask_grad(dy, y), groups)
    dw = np.zeros(w_shape, dy.dtype)
    for i, j, positions in window.taps():
        patch = _split_channels(padded[(..., *positions)], groups)
        products = dy_groups @ np.swapaxes(patch, -1, -2)
        dw[:, :, i, j] = products.sum(axis=0).reshape(w_shape[:2])
    return dw


def bias_grad(dy: FloatArray, *, axis: int = 1, y: FloatArray | None = None) -> FloatArray:
    """The sum of dy over every axis but one."""
    kept = range(dy.ndim)[axis]
    others = tuple(a for a in range(dy.ndim) if a != kept)
    db: FloatArray = mask_grad(dy, y).sum(axis=others)
    return db


def _flat(size: tuple[int, int]) -> tuple[int]:
    return (size[0] * size[1],)


def _split_channels(a: FloatArray, groups: int) -> FloatArray:
    """(N, C, H, W) -> (N, groups, C / groups, H * W)."""
    n, channels, height, width = a.shape
    return a.reshape(n, groups, channels // groups, height * width)


def _split_filters(w: FloatArray, groups: int) -> FloatArray:
    """(C_out, C, K_h, K_w) -> (groups, C_out / groups, C, K_h, K_w)."""
    return w.reshape(groups, w.shape[0] // groups, *w.shape[1:])


def _check(function: str, x_shape: tuple[int, ...], w_shape: tuple[int, ...], groups: int) -> None:
    if len(x_shape) != 4 or len(w_shape) != 4:
        raise ValueError(
            f"{function}: x must be (N, C, H, W) and w (C_out, C_in / groups, K_h, K_w). "
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


def _check_dy(function: str, got: tuple[int, ...], expected: tuple[int, ...]) -> None:
    if got != expected:
        raise ValueError(f"{function}: dy must have shape {expected}. Got {got}.")
