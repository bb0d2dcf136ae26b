"""Sums and products of two arrays."""

from __future__ import annotations

from striate import _backend
from striate._typing import Activation, FloatArray


def add(a: FloatArray, b: FloatArray, *, activation: Activation = None) -> FloatArray:
    """Add two arrays of one shape; nothing is broadcast.

    Formula: `y = a + b`, then `max(y, 0)` with activation "relu".

    Args:
        a: any shape, float32 or float64.
        b: of a's shape and dtype.
        activation: None or "relu".

    Returns:
        An array of a's shape and dtype.

    Raises:
        ValueError: the shapes differ, or activation is unknown.
        TypeError: the dtypes differ, or are neither float32 nor float64.

    References:
        He, Zhang, Ren and Sun, "Deep residual learning for image recognition", CVPR 2016.

    Examples:
        >>> import numpy as np
        >>> from striate import ops
        >>> a, b = np.array([1.0, 2.0]), np.array([3.0, -4.0])
        >>> ops.add(a, b).tolist(), ops.add(a, b, activation="relu").tolist()
        ([4.0, -2.0], [4.0, 0.0])
    """
    return _backend.select("add", a=a, b=b).add(a, b, activation)


def add_grad(dy: FloatArray, *, y: FloatArray | None = None) -> FloatArray:
    """Gradient of `add` with respect to either summand.

    Formula: `dx = dy`, and 0 where `y <= 0` if y is given.

    Args:
        dy: the gradient with respect to the output, any shape.
        y: the output of `add` with activation "relu", None without activation.

    Returns:
        dx, of dy's shape and dtype, a new array.

    Raises:
        ValueError: dy and y differ in shape.
        TypeError: dy and y differ in dtype, or are no float32 or float64 arrays.

    References:
        As in `add`.

    Examples:
        >>> import numpy as np
        >>> from striate import ops
        >>> ops.add_grad(np.array([5.0, 5.0]), y=np.array([4.0, 0.0])).tolist()
        [5.0, 0.0]
    """
    return _backend.select("add_grad", dy=dy, y=y).add_grad(dy, y)


def mul(a: FloatArray, b: FloatArray) -> FloatArray:
    """Multiply two arrays of one shape, element by element; nothing is broadcast.

    Formula: `y = a * b`.

    Args:
        a: any shape, float32 or float64.
        b: of a's shape and dtype.

    Returns:
        An array of a's shape and dtype.

    Raises:
        ValueError: the shapes differ.
        TypeError: the dtypes differ, or are neither float32 nor float64.

    References:
        Hochreiter and Schmidhuber, "Long short-term memory", 1997, section 4 (gates).

    Examples:
        >>> import numpy as np
        >>> from striate import ops
        >>> ops.mul(np.array([1.0, 2.0]), np.array([3.0, -4.0])).tolist()
        [3.0, -8.0]
    """
    return _backend.select("mul", a=a, b=b).mul(a, b)


def mul_grad(dy: FloatArray, a: FloatArray, b: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Gradients of `mul` with respect to both factors.

    Formula: `da = dy * b`, `db = dy * a`.

    Args:
        dy: the gradient with respect to the output, any shape.
        a: the first factor, of dy's shape and dtype.
        b: the second factor, of dy's shape and dtype.

    Returns:
        (da, db), of dy's shape and dtype.

    Raises:
        ValueError: the shapes differ.
        TypeError: the dtypes differ, or are neither float32 nor float64.

    References:
        As in `mul`.

    Examples:
        >>> import numpy as np
        >>> from striate import ops
        >>> da, db = ops.mul_grad(np.array([10.0]), np.array([2.0]), np.array([3.0]))
        >>> da.tolist(), db.tolist()
        ([30.0], [20.0])
    """
    return _backend.select("mul_grad", dy=dy, a=a, b=b).mul_grad(dy, a, b)
