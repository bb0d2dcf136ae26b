"""The fully connected layer and its gradients."""

from __future__ import annotations

import numpy as np

from striate._typing import Activation, FloatArray

from .activation import activate, mask_grad


def linear(
    x: FloatArray, w: FloatArray, b: FloatArray | None = None, *, activation: Activation = None
) -> FloatArray:
    """y = x @ w.T + b; x is (..., in_features), w (out_features, in_features)."""
    y = x @ w.T
    if b is not None:
        y = y + b
    return activate("linear", y, activation)


def linear_input_grad(dy: FloatArray, w: FloatArray, *, y: FloatArray | None = None) -> FloatArray:
    """dx = dy @ w."""
    return mask_grad(dy, y) @ w


def linear_weight_grad(dy: FloatArray, x: FloatArray, *, y: FloatArray | None = None) -> FloatArray:
    """dw = dy.T @ x, over all leading axes."""
    leading = tuple(range(dy.ndim - 1))
    return np.tensordot(mask_grad(dy, y), x, axes=(leading, leading))
