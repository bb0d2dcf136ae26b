"""Softmax and its logarithm along an axis."""

from __future__ import annotations

from striate import _backend
from striate._typing import FloatArray


def softmax(x: FloatArray, axis: int = -1) -> FloatArray:
    """Turn scores into probabilities that add up to 1 along an axis.

    Formula: `y = exp(x - max) / sum(exp(x - max))`, max and sum along the axis.

    Args:
        x: at least one axis, float32 or float64.
        axis: any of x's axes; negative ones count from the end.

    Returns:
        An array of x's shape and dtype; NaN all along an axis that holds NaN or +inf, or nothing
        but -inf.

    Raises:
        ValueError: x has no such axis.
        TypeError: x is no float32 or float64 array.

    References:
        Bridle, "Probabilistic interpretation of feedforward classification network outputs", 1990.

    Examples:
        >>> import numpy as np
        >>> from striate import ops
        >>> ops.softmax(np.log([[1.0, 3.0], [2.0, 2.0]])).round(6).tolist()
        [[0.25, 0.75], [0.5, 0.5]]
    """
    return _backend.select("softmax", x=x).softmax(x, axis)


def softmax_grad(dy: FloatArray, y: FloatArray, axis: int = -1) -> FloatArray:
    """Gradient of `softmax` with respect to its input.

    Formula: `dx = y * (dy - sum(dy * y))`, the sum along the axis.

    Args:
        dy: the gradient with respect to the output.
        y: the output of `softmax`, of dy's shape and dtype.
        axis: as in `softmax`.

    Returns:
        dx, of dy's shape and dtype.

    Raises:
        ValueError: dy and y differ in shape, or have no such axis.
        TypeError: dy and y differ in dtype, or are no float32 or float64 arrays.

    References:
        As in `softmax`.

    Examples:
        >>> import numpy as np
        >>> from striate import ops
        >>> ops.softmax_grad(np.array([4.0, 0.0]), np.array([0.25, 0.75])).tolist()
        [0.75, -0.75]
    """
    return _backend.select("softmax_grad", dy=dy, y=y).softmax_grad(dy, y, axis)


def log_softmax(x: FloatArray, axis: int = -1) -> FloatArray:
    """Logarithm of `softmax`, without its underflow.

    Formula: `y = x - max - log(sum(exp(x - max)))`, max and sum along the axis.

    Args:
        x: at least one axis, float32 or float64.
        axis: any of x's axes; negative ones count from the end.

    Returns:
        An array of x's shape and dtype; NaN as in `softmax`.

    Raises:
        ValueError: x has no such axis.
        TypeError: x is no float32 or float64 array.

    References:
        As in `softmax`.

    Examples:
        >>> import numpy as np
        >>> from striate import ops
        >>> ops.log_softmax(np.array([0.0, -1e4])).tolist()
        [0.0, -10000.0]
    """
    return _backend.select("log_softmax", x=x).log_softmax(x, axis)


def log_softmax_grad(dy: FloatArray, y: FloatArray, axis: int = -1) -> FloatArray:
    """Gradient of `log_softmax` with respect to its input.

    Formula: `dx = dy - exp(y) * sum(dy)`, the sum along the axis.

    Args:
        dy: the gradient with respect to the output.
        y: the output of `log_softmax`, of dy's shape and dtype.
        axis: as in `log_softmax`.

    Returns:
        dx, of dy's shape and dtype.

    Raises:
        ValueError: dy and y differ in shape, or have no such axis.
        TypeError: dy and y differ in dtype, or are no float32 or float64 arrays.

    References:
        As in `softmax`.

    Examples:
        >>> import numpy as np
        >>> from striate import ops
        >>> dy, y = np.array([4.0, 0.0]), np.log([0.25, 0.75])
        >>> ops.log_softmax_grad(dy, y).round(6).tolist()
        [3.0, -3.0]
    """
    return _backend.select("log_softmax_grad", dy=dy, y=y).log_softmax_grad(dy, y, axis)
