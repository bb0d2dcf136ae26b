"""The rectifier whose slope below 0 is learned."""

from __future__ import annotations

import numpy as np

from striate._typing import FloatArray


def prelu(x: FloatArray, weight: FloatArray) -> FloatArray:
    """x where x > 0, else weight * x."""
    return np.where(x > 0, x, _spread(weight, x) * x)


def prelu_grad(dy: FloatArray, x: FloatArray, weight: FloatArray) -> tuple[FloatArray, FloatArray]:
    """dx, and the sums of dy * x where x <= 0 over what shares a weight."""
    dx = np.where(x > 0, dy, _spread(weight, x) * dy)
    parts = np.where(x > 0, 0, dy * x)
    if weight.size == 1:
        return dx, parts.sum().reshape(1)
    return dx, parts.sum((0, *range(2, x.ndim)))


def _spread(weight: FloatArray, x: FloatArray) -> FloatArray:
    """The weight in the shape that goes with x."""
    if weight.shape == (1,):
        return weight.reshape([1] * x.ndim)
    if x.ndim < 2 or weight.shape != x.shape[1:2]:
        raise ValueError(
            f"prelu: weight must be (1,) or (C,). Got weight {weight.shape}, x {x.shape}."
        )
    return weight.reshape(-1, *[1] * (x.ndim - 2))
