"""Joining arrays, and padding them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from striate._typing import FloatArray, NumericPadding, Pair

from ._window import per_axis


def concat(arrays: Sequence[FloatArray], axis: int = 1) -> FloatArray:
    """The arrays one after another along an axis."""
    return np.concatenate(arrays, axis)


def concat_grad(dy: FloatArray, sizes: Sequence[int], axis: int = 1) -> tuple[FloatArray, ...]:
    """dy cut into pieces of these sizes."""
    return tuple(np.array(part) for part in np.split(dy, np.cumsum(sizes)[:-1], axis))


def pad(x: FloatArray, padding: NumericPadding, value: float = 0.0) -> FloatArray:
    """Each plane of x (N, C, H, W) with a border of `value`."""
    return np.pad(x, [(0, 0), (0, 0), *_sides("pad", padding)], constant_values=value)


def pad_grad(dy: FloatArray, padding: NumericPadding) -> FloatArray:
    """dy without the border."""
    (top, bottom), (left, right) = _sides("pad_grad", padding)
    height, width = dy.shape[2:]
    return np.array(dy[:, :, top : height - bottom, left : width - right])


def _sides(function: str, padding: NumericPadding) -> tuple[Pair, Pair]:
    if isinstance(padding, int | np.integer):
        padding = (int(padding), int(padding))
    (top, bottom), (left, right) = (per_axis(function, "padding", side, 2) for side in padding)
    return (top, bottom), (left, right)
