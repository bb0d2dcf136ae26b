"""Batch normalisation, for inference and for training, and its gradient."""

from __future__ import annotations

from striate import _backend
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
    """Normalise each channel by statistics that are given: inference.

    Formula: `y[n, c] = (x[n, c] - mean[c]) / sqrt(var[c] + eps) * gamma[c] + beta[c]`, and its
    maximum with 0 where activation is "relu".

    Args:
        x: (N, C) or (N, C, ...).
        mean: (C,).
        var: (C,).
        gamma: (C,), or None for ones.
        beta: (C,), or None for zeros.
        eps: keeps the root away from 0.
        activation: None or "relu".

    Returns:
        y, of x's shape and dtype.

    Raises:
        ValueError: x has fewer than two axes, another array is not (C,), or eps is negative.
        TypeError: an array is not float32 or float64, or the dtypes differ.

    References:
        Ioffe and Szegedy, "Batch normalization: accelerating deep network training by reducing
        internal covariate shift", ICML 2015, algorithm 2.

    Examples:
        >>> import numpy as np
        >>> from striate import ops
        >>> x = np.array([[1.0, 2.0], [3.0, 8.0]])
        >>> mean, var, one = np.array([1.0, 2.0]), np.array([1.0, 4.0]), np.ones(2)
        >>> ops.batch_norm(x, mean, var, one, one, eps=0.0).tolist()
        [[1.0, 1.0], [3.0, 4.0]]
    """
    return _backend.select(
        "batch_norm", x=x, mean=mean, var=var, gamma=gamma, beta=beta
    ).batch_norm(x, mean, var, gamma, beta, eps, activation)


def batch_norm_train(
    x: FloatArray, gamma: FloatArray | None, beta: FloatArray | None, *, eps: float = 1e-5
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Normalise each channel by its own statistics in this batch: training.

    Formula: as in `batch_norm`, with the mean and the biased variance (divided by their number) of
    each channel's values. Both are computed from distances from values nearby, so that a large
    mean costs no digits.

    Args:
        x: (N, C) or (N, C, ...).
        gamma: (C,), or None for ones.
        beta: (C,), or None for zeros.
        eps: keeps the root away from 0.

    Returns:
        (y, mean, var): y of x's shape and dtype, the statistics (C,). Those of an empty batch are
        NaN.

    Raises:
        ValueError: as `batch_norm`, or a channel has a single value.
        TypeError: an array is not float32 or float64, or the dtypes differ.

    References:
        Ioffe and Szegedy, as in `batch_norm`, algorithm 1.

    Examples:
        >>> import numpy as np
        >>> from striate import ops
        >>> x = np.array([[1.0], [3.0]])
        >>> y, mean, var = ops.batch_norm_train(x, np.ones(1), np.zeros(1), eps=0.0)
        >>> y.tolist(), mean.tolist(), var.tolist()
        ([[-1.0], [1.0]], [2.0], [1.0])
    """
    return _backend.select("batch_norm_train", x=x, gamma=gamma, beta=beta).batch_norm_train(
        x, gamma, beta, eps
    )


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
    """Gradients of `batch_norm_train`, or of `batch_norm` where frozen.

    Formula, with `z = (x - mean) / sqrt(var + eps)` and means over a channel's values::

        dbeta = sum(dy), dgamma = sum(dy * z)
        dx = gamma / sqrt(var + eps) * (dy - mean(dy) - z * mean(dy * z))

    and `dx = gamma / sqrt(var + eps) * dy` where frozen. What the rounding of `mean` leaves of
    z's mean is taken out of z, but where frozen.

    Args:
        dy: (N, C) or (N, C, ...).
        x: the forward's input, of dy's shape and dtype.
        gamma: (C,), or None for ones.
        mean: (C,), as `batch_norm_train` returns it, or what `batch_norm` was given.
        var: see mean.
        eps: as in the forward.
        frozen: whether mean and var are constants.

    Returns:
        (dx, dgamma, dbeta), of the shapes of x, (C,) and (C,).

    Raises:
        ValueError: as `batch_norm_train`, or dy and x differ in shape.
        TypeError: an array is not float32 or float64, or the dtypes differ.

    References:
        Ioffe and Szegedy, as in `batch_norm`, section 3.

    Examples:
        >>> import numpy as np
        >>> from striate import ops
        >>> x, dy, one = np.array([[1.0], [3.0]]), np.array([[1.0], [2.0]]), np.ones(1)
        >>> dx, dgamma, dbeta = ops.batch_norm_grad(dy, x, one, 2 * one, one, eps=0.0)
        >>> dx.tolist(), dgamma.tolist(), dbeta.tolist()
        ([[0.0], [0.0]], [1.0], [3.0])
    """
    return _backend.select(
        "batch_norm_grad", dy=dy, x=x, gamma=gamma, mean=mean, var=var
    ).batch_norm_grad(dy, x, gamma, mean, var, eps, frozen)
