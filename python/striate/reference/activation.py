"""The rectifier, alone and fused into another layer's output."""

from __future__ import annotations

import numpy as np

from striate._typing import Activation, FloatArray


def relu(x: FloatArray) -> FloatArray:
    """max(x, 0); NaN stays NaN."""
    return np.maximum(x, x.dtype.type(0))


def relu_grad(dy: FloatArray, y: FloatArray) -> FloatArray:
    """dy where y > 0 (NaN included, as in PyTorch), else 0."""
    return np.where(y <= 0, dy.dtype.type(0), dy)


def activate(function: str, y: FloatArray, activation: Activation) -> FloatArray:
    """Applies what a layer was asked to fuse."""
    if activation is None:
        return y
    if activation == "relu":
        return relu(y)
    raise ValueError(
        f"{function}: activation must be None or 'relu'. Got activation={activation!r}."
    )


def mask_grad(dy: FloatArray, y: FloatArray | None) -> FloatArray:
    """The gradient before a fused ReLU, given that ReLU's output."""
    return dy if y is None else relu_grad(dy, y)
