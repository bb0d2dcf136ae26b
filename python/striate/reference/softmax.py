"""Softmax and its logarithm along an axis."""

from __future__ import annotations

import numpy as np

from striate._typing import FloatArray


@np.errstate(invalid="ignore")  # infinity minus infinity
def softmax(x: FloatArray, axis: int = -1) -> FloatArray:
    """exp(x) / sum(exp(x)), without overflow."""
    e = np.exp(x - x.max(axis=axis, keepdims=True, initial=-np.inf))
    return np.asarray(e / e.sum(axis=axis, keepdims=True))


def softmax_grad(dy: FloatArray, y: FloatArray, axis: int = -1) -> FloatArray:
    """y * (dy - sum(dy * y))."""
    return np.asarray(y * (dy - (dy * y).sum(axis=axis, keepdims=True)))


@np.errstate(divide="ignore", invalid="ignore")
def log_softmax(x: FloatArray, axis: int = -1) -> FloatArray:
    """x - log(sum(exp(x))), without overflow."""
    shifted = x - x.max(axis=axis, keepdims=True, initial=-np.inf)
    return np.asarray(shifted - np.log(np.exp(shifted).sum(axis=axis, keepdims=True)))


def log_softmax_grad(dy: FloatArray, y: FloatArray, axis: int = -1) -> FloatArray:
    """dy - exp(y) * sum(dy)."""
    return np.asarray(dy - np.exp(y) * dy.sum(axis=axis, keepdims=True))
