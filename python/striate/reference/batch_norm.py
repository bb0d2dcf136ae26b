"""Batch normalisation."""

from __future__ import annotations

import numpy as np

from striate._typing import Activation, FloatArray


def batch_norm(
    x: FloatArray,
    mean: FloatArray,
    var: FloatArray,
    gamma: FloatArray | None,
    beta: FloatArray | None,
    *,
    eps: float = 1e-5,
    activation: Activation = None,
) -> FloatArray:
    """(x - mean) / sqrt(var + eps) * gamma + beta, channel by channel."""
    y: FloatArray = (x - _spread(mean, x)) / np.sqrt(_spread(var, x) + eps)
    if gamma is not None:
        y = y * _spread(gamma, x)
    if beta is not None:
        y = y + _spread(beta, x)
    return np.maximum(y, 0) if activation == "relu" else y


def batch_norm_train(
    x: FloatArray, gamma: FloatArray | None, beta: FloatArray | None, *, eps: float = 1e-5
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """The same with the batch's own mean and biased variance."""
    _check("batch_norm_train", x)
    if not x.size:
        nothing = np.full(x.shape[1], np.nan, x.dtype)
        return np.zeros_like(x), nothing, nothing.copy()
    mean = x.mean(_others(x))
    mean += (x - _spread(mean, x)).mean(_others(x))  # what rounding has left
    var = np.square(x - _spread(mean, x)).mean(_others(x))
    return batch_norm(x, mean, var, gamma, beta, eps=eps), mean, var


def batch_norm_grad(
    dy: FloatArray,
    x: FloatArray,
    gamma: FloatArray | None,
    mean: FloatArray,
    var: FloatArray,
    *,
    eps: float = 1e-5,
    frozen: bool = False,
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """dx, dgamma and dbeta; the statistics are functions of x unless frozen."""
    if not x.size:
        return np.zeros_like(x), np.zeros_like(mean), np.zeros_like(mean)
    centred = x - _spread(mean, x)
    if not frozen:
        _check("batch_norm_grad", x)
        centred -= _spread(centred.mean(_others(x)), x)  # what the rounding of mean has left
    scale = 1 / np.sqrt(_spread(var, x) + eps)
    z = centred * scale
    dbeta, dgamma = dy.sum(_others(x)), (dy * z).sum(_others(x))
    count = x.size // x.shape[1]
    dx = dy if frozen else dy - _spread(dbeta, x) / count - z * _spread(dgamma, x) / count
    dx = dx * scale
    return dx if gamma is None else dx * _spread(gamma, x), dgamma, dbeta


def _spread(values: FloatArray, x: FloatArray) -> FloatArray:
    """One value per channel, in the shape that goes with x."""
    return values.reshape(-1, *[1] * (x.ndim - 2))


def _others(x: FloatArray) -> tuple[int, ...]:
    return (0, *range(2, x.ndim))


def _check(function: str, x: FloatArray) -> None:
    if x.size and x.size == x.shape[1]:
        raise ValueError(f"{function}: needs more than one value per channel. Got shape={x.shape}.")
