"""The rectifier."""

from __future__ import annotations

from striate import _backend
from striate._typing import FloatArray


def relu(x: FloatArray) -> FloatArray:
    """Rectify: keep what is positive, and put 0 in the place of the rest.

    Formula: `y = max(x, 0)`; NaN stays NaN.

    Args:
        x: any shape, float32 or float64.

    Returns:
        An array of x's shape and dtype.

    Raises:
        TypeError: x is no float32 or float64 array.

    References:
        Nair and Hinton, "Rectified linear units improve restricted Boltzmann machines", ICML 2010.

    Examples:
        >>> import numpy as np
        >>> from striate import ops
        >>> ops.relu(np.array([-2.0, 0.0, 3.0])).tolist()
        [0.0, 0.0, 3.0]
    """
    return _backend.select("relu", x=x).relu(x)


def relu_grad(dy: FloatArray, y: FloatArray) -> FloatArray:
    """Gradient of `relu` with respect to its input.

    Formula: `dx = 0 where y <= 0, else dy`. The slope at 0 is 0, and where y is NaN dy passes.

    Args:
        dy: the gradient with respect to the output, any shape.
        y: the output of `relu` (its input serves as well), of dy's shape and dtype.

    Returns:
        dx, of dy's shape and dtype.

    Raises:
        ValueError: dy and y differ in shape.
        TypeError: dy and y differ in dtype, or are no float32 or float64 arrays.

    References:
        As in `relu`.

    Examples:
        >>> import numpy as np
        >>> from striate import ops
        >>> y = ops.relu(np.array([-2.0, 0.0, 3.0]))
        >>> ops.relu_grad(np.array([5.0, 5.0, 5.0]), y).tolist()
        [0.0, 0.0, 5.0]
    """
    return _backend.select("relu_grad", dy=dy, y=y).relu_grad(dy, y)
