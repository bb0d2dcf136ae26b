"""The rectifier whose slope below 0 is learned."""

from __future__ import annotations

from striate import _backend
from striate._typing import FloatArray


def prelu(x: FloatArray, weight: FloatArray) -> FloatArray:
    """Rectify, but let what is negative through with a learned slope.

    Formula: `y = x where x > 0, else weight * x`, with one weight for all, or one per channel.

    Args:
        x: any shape, or (N, C, ...) where weight is (C,); float32 or float64.
        weight: (1,) or (C,).

    Returns:
        An array of x's shape and dtype.

    Raises:
        ValueError: weight is neither (1,) nor (C,).
        TypeError: the dtypes differ, or are neither float32 nor float64.

    References:
        He, Zhang, Ren and Sun, "Delving deep into rectifiers: surpassing human-level performance on
        ImageNet classification", ICCV 2015, section 2.1.

    Examples:
        >>> import numpy as np
        >>> from striate import ops
        >>> ops.prelu(np.array([[-2.0, -2.0, 3.0]]), np.array([0.5, 0.25, 0.0])).tolist()
        [[-1.0, -0.5, 3.0]]
    """
    return _backend.select("prelu", x=x, weight=weight).prelu(x, weight)


def prelu_grad(dy: FloatArray, x: FloatArray, weight: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Gradients of `prelu`.

    Formula: `dx = dy where x > 0, else weight * dy`; dweight is the sum of `dy * x` over all
    elements with `x <= 0` that share the weight.

    Args:
        dy: the gradient with respect to the output, of x's shape and dtype.
        x: the input of `prelu`.
        weight: as in `prelu`.

    Returns:
        (dx, dweight), of the shapes of x and weight.

    Raises:
        ValueError: dy and x differ in shape, or weight is neither (1,) nor (C,).
        TypeError: the dtypes differ, or are neither float32 nor float64.

    References:
        As in `prelu`.

    Examples:
        >>> import numpy as np
        >>> from striate import ops
        >>> dy, x = np.array([[4.0, 4.0]]), np.array([[-2.0, 3.0]])
        >>> dx, dweight = ops.prelu_grad(dy, x, np.array([0.5]))
        >>> dx.tolist(), dweight.tolist()
        ([[2.0, 4.0]], [-8.0])
    """
    return _backend.select("prelu_grad", dy=dy, x=x, weight=weight).prelu_grad(dy, x, weight)
