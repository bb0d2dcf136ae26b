"""Stochastic pooling."""

from __future__ import annotations

from math import prod

import numpy as np

from striate._typing import FloatArray, IntArray, IntOrPair

from ._philox import words
from ._window import Window
from .avg_pool import sliding, spread_sums, window_sums
from .pool import scatter


def stochastic_pool2d(
    x: FloatArray,
    kernel_size: IntOrPair,
    *,
    stride: IntOrPair | None = None,
    seed: int | None,
    offset: int = 0,
) -> FloatArray:
    """An element of each window, drawn by its share of the positive ones' sum; or their average."""
    window = sliding("stochastic_pool2d", 2, x.shape, (kernel_size, stride, 0, False))
    weights = _weights(x)
    total = window_sums(window, weights)
    if seed is None:
        usable = _usable(total)
        mean = window_sums(window, weights**2) / np.where(usable, total, 1)
        return np.where(usable, mean, total).astype(x.dtype)
    indices = _draw(window, weights, total, seed, offset)
    planes = x.reshape(*x.shape[:2], prod(x.shape[2:]))
    flat = np.maximum(indices, 0).reshape(*x.shape[:2], prod(window.out))
    drawn = np.take_along_axis(planes, flat, axis=2).reshape(indices.shape)
    return np.where(indices >= 0, drawn, total).astype(x.dtype)


def stochastic_pool2d_grad(
    dy: FloatArray,
    x: FloatArray,
    kernel_size: IntOrPair,
    *,
    stride: IntOrPair | None = None,
    seed: int | None,
    offset: int = 0,
) -> FloatArray:
    """dy at the elements that were drawn; or dy (2 a - y) / S, y and S being the window's."""
    function = "stochastic_pool2d_grad"
    window = sliding(function, 2, x.shape, (kernel_size, stride, 0, False))
    weights = _weights(x)
    total = window_sums(window, weights)
    if seed is not None:
        return scatter(function, dy, _draw(window, weights, total, seed, offset), x.shape)
    usable = _usable(total)
    scale = np.where(usable, dy / np.where(usable, total, 1), 0)
    mean = window_sums(window, weights**2) / np.where(usable, total, 1)
    finite = np.where(usable, mean, 0)
    finite_weights = np.where(np.isfinite(weights), weights, 0)
    dx = 2 * finite_weights * spread_sums(window, scale) - spread_sums(window, scale * finite)
    return np.where(x > 0, dx, 0).astype(dy.dtype)


def _weights(x: FloatArray) -> FloatArray:
    """The positive part in double precision; NaN stays."""
    return np.where(x <= 0, 0, x).astype(np.float64)


def _usable(total: FloatArray) -> np.ndarray[tuple[int, ...], np.dtype[np.bool_]]:
    return np.asarray((total > 0) & (total < np.inf))


def _draw(
    window: Window, weights: FloatArray, total: FloatArray, seed: int, offset: int
) -> IntArray:
    """Where the running sum first exceeds the threshold; -1 where there is nothing to draw."""
    if not (0 <= seed < 2**64 and 0 <= offset < 2**62):
        raise ValueError(f"stochastic_pool2d: seed or offset out of range. Got {seed}, {offset}.")
    drawn = words(total.size, seed, offset).reshape(total.shape)
    threshold = total * (drawn * 2.0**-32)
    running = np.zeros_like(total)
    indices: IntArray = np.full(total.shape, -1)
    for tap, positions in window.taps():
        running += weights[positions]
        first = (indices < 0) & _usable(total) & (running > threshold)
        indices[first] = np.broadcast_to(window.sources(tap), total.shape)[first]
    return indices
