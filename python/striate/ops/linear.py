"""The fully connected layer and its gradients."""

from __future__ import annotations

from striate import _backend
from striate._typing import Activation, FloatArray


def linear(
    x: FloatArray, w: FloatArray, b: FloatArray | None = None, *, activation: Activation = None
) -> FloatArray:
    """Map the last axis by a matrix and add a bias.

    Formula: `y = x @ w.T + b`.

    Args:
        x: (..., in_features); the leading axes are free.
        w: (out_features, in_features).
        b: (out_features,), or None for no bias.
        activation: None or "relu", applied in the same pass.

    Returns:
        y, (..., out_features), of x's dtype.

    Raises:
        ValueError: the shapes do not fit, or the activation is unknown.
        TypeError: an array is not float32 or float64, or the dtypes differ.

    References:
        Rumelhart, Hinton and Williams, "Learning representations by back-propagating errors",
        Nature 323 (1986).

    Examples:
        >>> import numpy as np
        >>> from striate import ops
        >>> w = np.array([[1.0, 2.0], [3.0, 4.0], [-1.0, 0.0]])
        >>> ops.linear(np.array([[1.0, 10.0]]), w, np.ones(3)).tolist()
        [[22.0, 44.0, 0.0]]
    """
    return _backend.select("linear", x=x, w=w, b=b).linear(x, w, b, activation)


def linear_input_grad(dy: FloatArray, w: FloatArray, *, y: FloatArray | None = None) -> FloatArray:
    """Gradient of `linear` with respect to its input.

    Formula: `dx = dy @ w`. Given y, dy counts only where `y > 0`.

    Args:
        dy: (..., out_features).
        w: (out_features, in_features).
        y: the output of a `linear` with activation="relu", of dy's shape; None without one.

    Returns:
        dx, (..., in_features), of dy's dtype.

    Raises:
        ValueError: the shapes do not fit.
        TypeError: an array is not float32 or float64, or the dtypes differ.

    References:
        As in `linear`.

    Examples:
        >>> import numpy as np
        >>> from striate import ops
        >>> w = np.array([[1.0, 2.0], [3.0, 4.0]])
        >>> ops.linear_input_grad(np.array([[1.0, 10.0]]), w).tolist()
        [[31.0, 42.0]]
    """
    return _backend.select("linear_input_grad", dy=dy, w=w, y=y).linear_input_grad(dy, w, y)


def linear_weight_grad(dy: FloatArray, x: FloatArray, *, y: FloatArray | None = None) -> FloatArray:
    """Gradient of `linear` with respect to its weights.

    Formula: `dw = dy.T @ x`, summed over all leading axes. Given y, dy counts only where `y > 0`.

    Args:
        dy: (..., out_features).
        x: (..., in_features), with the same leading axes.
        y: the output of a `linear` with activation="relu", of dy's shape; None without one.

    Returns:
        dw, (out_features, in_features), of dy's dtype; zeros for an empty batch.

    Raises:
        ValueError: the shapes do not fit.
        TypeError: an array is not float32 or float64, or the dtypes differ.

    References:
        As in `linear`.

    Examples:
        >>> import numpy as np
        >>> from striate import ops
        >>> ops.linear_weight_grad(np.array([[1.0, 10.0]]), np.array([[2.0, 3.0]])).tolist()
        [[2.0, 3.0], [20.0, 30.0]]
    """
    return _backend.select("linear_weight_grad", dy=dy, x=x, y=y).linear_weight_grad(dy, x, y)
