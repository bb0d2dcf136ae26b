"""Activations, and the rectifier fused into another layer's output."""

from __future__ import annotations

import numpy as np

from striate._typing import Activation, FloatArray


def relu(x: FloatArray) -> FloatArray:
    """max(x, 0); NaN stays NaN."""
    return np.maximum(x, x.dtype.type(0))


def relu_grad(dy: FloatArray, y: FloatArray) -> FloatArray:
    """dy where y > 0 (NaN included, as in PyTorch), else 0."""
    return np.where(y <= 0, dy.dtype.type(0), dy)


def leaky_relu(x: FloatArray, negative_slope: float = 0.01) -> FloatArray:
    """x where x > 0, else negative_slope * x."""
    return np.where(x > 0, x, x * x.dtype.type(negative_slope))


def leaky_relu_grad(dy: FloatArray, x: FloatArray, negative_slope: float = 0.01) -> FloatArray:
    """dy where x > 0, else negative_slope * dy."""
    return np.where(x > 0, dy, dy * dy.dtype.type(negative_slope))


def elu(x: FloatArray, alpha: float = 1.0) -> FloatArray:
    """x where x > 0, else alpha * (exp(x) - 1)."""
    return np.where(x > 0, x, x.dtype.type(alpha) * np.expm1(np.minimum(x, 0)))


def elu_grad(dy: FloatArray, y: FloatArray, alpha: float = 1.0) -> FloatArray:
    """dy where y > 0, else dy * (y + alpha)."""
    return np.where(y > 0, dy, dy * (y + y.dtype.type(alpha)))


def sigmoid(x: FloatArray) -> FloatArray:
    """1 / (1 + exp(-x)), from the exponential that cannot overflow."""
    e = np.exp(-np.abs(x))
    return np.asarray(np.where(x > 0, 1, e) / (1 + e))


def sigmoid_grad(dy: FloatArray, y: FloatArray) -> FloatArray:
    """dy * y * (1 - y)."""
    return np.asarray(dy * (y * (1 - y)))


def tanh(x: FloatArray) -> FloatArray:
    """The hyperbolic tangent."""
    return np.tanh(x)


def tanh_grad(dy: FloatArray, y: FloatArray) -> FloatArray:
    """dy * (1 - y**2)."""
    return np.asarray(dy * ((1 - y) * (1 + y)))


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
