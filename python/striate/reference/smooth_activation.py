"""Smooth relatives of the rectifier."""

from __future__ import annotations

import numpy as np

from striate._typing import FloatArray, GeluApproximate

from .activation import sigmoid


def softplus(x: FloatArray, beta: float = 1.0, threshold: float = 20.0) -> FloatArray:
    """log(1 + exp(beta * x)) / beta; x where beta * x > threshold."""
    u = np.asarray(beta * x)
    y = (np.maximum(u, 0) + np.log1p(np.exp(-np.abs(u)))) / beta
    return np.where(u > threshold, x, y).astype(x.dtype)


def softplus_grad(
    dy: FloatArray, x: FloatArray, beta: float = 1.0, threshold: float = 20.0
) -> FloatArray:
    """dy * sigmoid(beta * x); dy where beta * x > threshold."""
    u = np.asarray(beta * x)
    return np.where(u > threshold, dy, dy * sigmoid(u)).astype(x.dtype)


def silu(x: FloatArray) -> FloatArray:
    """x * sigmoid(x)."""
    return np.asarray(_above(x) * sigmoid(x))


def silu_grad(dy: FloatArray, x: FloatArray) -> FloatArray:
    """dy * (s + x * s * (1 - s)) with s = sigmoid(x)."""
    near = np.clip(x, -1000, 1000)
    s = sigmoid(near)
    return np.asarray(dy * (s + near * s * sigmoid(-near)))


def gelu(x: FloatArray, *, approximate: GeluApproximate = "none") -> FloatArray:
    """x * Phi(x), or an approximation of Phi by tanh."""
    if _by_tanh("gelu", approximate):
        near = np.clip(x, -1000, 1000)
        return np.asarray(_above(x) * sigmoid(_tanh_argument(near)))
    return np.asarray(_above(x) * _normal_cdf(x))


def gelu_grad(
    dy: FloatArray, x: FloatArray, *, approximate: GeluApproximate = "none"
) -> FloatArray:
    """dy * (Phi(x) + x * phi(x)), or the slope of the approximation."""
    near = np.clip(x, -1000, 1000)
    if _by_tanh("gelu_grad", approximate):
        u = _tanh_argument(near)
        s, slope = sigmoid(u), np.sqrt(8 / np.pi) * (1 + 3 * 0.044715 * near**2)
        return np.asarray(dy * (s + near * slope * s * sigmoid(-u))).astype(x.dtype)
    return np.asarray(dy * (_normal_cdf(near) + near * _normal_density(near))).astype(x.dtype)


def hardswish(x: FloatArray) -> FloatArray:
    """x * min(max(x + 3, 0), 6) / 6."""
    return np.asarray(_above(x) * (np.clip(x, -3, 3) + 3) / 6)


def hardswish_grad(dy: FloatArray, x: FloatArray) -> FloatArray:
    """0 where x <= -3, dy where x >= 3, else dy * (x / 3 + 1 / 2)."""
    between = dy * (x / 3 + 0.5)
    return np.where(x <= -3, 0, np.where(x >= 3, dy, between)).astype(x.dtype)


def _above(x: FloatArray) -> FloatArray:
    """Not -inf, which times 0 would be NaN."""
    return np.maximum(x, -1e6)


def _by_tanh(function: str, approximate: str) -> bool:
    if approximate not in ("none", "tanh"):
        raise ValueError(
            f"{function}: approximate must be 'none' or 'tanh'. Got approximate={approximate!r}."
        )
    return approximate == "tanh"


def _tanh_argument(x: FloatArray) -> FloatArray:
    """Twice the argument of tanh, which is then a sigmoid's."""
    return np.asarray(np.sqrt(8 / np.pi) * (x + 0.044715 * x**3)).astype(x.dtype)


def _normal_density(x: FloatArray) -> FloatArray:
    return np.asarray(np.exp(-(x**2) / 2) / np.sqrt(2 * np.pi)).astype(x.dtype)


def _normal_cdf(x: FloatArray) -> FloatArray:
    """Phi(x): a power series near 0, a continued fraction far from it.

    Abramowitz and Stegun, Handbook of Mathematical Functions, 26.2.11 and 26.2.14.
    """
    far = np.clip(np.abs(x), 1.2, 100)
    fraction = far
    for n in range(250, 0, -1):
        fraction = far + n / fraction
    tail = _normal_density(far) / fraction

    near = np.clip(x, -1.2, 1.2)
    term = series = near
    for n in range(1, 40):
        term = term * near**2 / (2 * n + 1)
        series = series + term
    middle = 0.5 + series * _normal_density(near)
    return np.where(np.abs(x) < 1.2, middle, np.where(x > 0, 1 - tail, tail)) + 0 * near
