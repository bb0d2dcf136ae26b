"""Activations, element by element."""

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


def leaky_relu(x: FloatArray, negative_slope: float = 0.01) -> FloatArray:
    """Rectify, but let a small part of what is negative through.

    Formula: `y = x where x > 0, else negative_slope * x`.

    Args:
        x: any shape, float32 or float64.
        negative_slope: the slope below 0.

    Returns:
        An array of x's shape and dtype.

    Raises:
        ValueError: negative_slope is not finite.
        TypeError: x is no float32 or float64 array.

    References:
        Maas, Hannun and Ng, "Rectifier nonlinearities improve neural network acoustic models",
        ICML 2013.

    Examples:
        >>> import numpy as np
        >>> from striate import ops
        >>> ops.leaky_relu(np.array([-2.0, 0.0, 3.0]), 0.5).tolist()
        [-1.0, 0.0, 3.0]
    """
    return _backend.select("leaky_relu", x=x).leaky_relu(x, negative_slope)


def leaky_relu_grad(dy: FloatArray, x: FloatArray, negative_slope: float = 0.01) -> FloatArray:
    """Gradient of `leaky_relu` with respect to its input.

    Formula: `dx = dy where x > 0, else negative_slope * dy`.

    Args:
        dy: the gradient with respect to the output, any shape.
        x: the input of `leaky_relu`, of dy's shape and dtype.
        negative_slope: as in `leaky_relu`.

    Returns:
        dx, of dy's shape and dtype.

    Raises:
        ValueError: dy and x differ in shape, or negative_slope is not finite.
        TypeError: dy and x differ in dtype, or are no float32 or float64 arrays.

    References:
        As in `leaky_relu`.

    Examples:
        >>> import numpy as np
        >>> from striate import ops
        >>> ops.leaky_relu_grad(np.array([4.0, 4.0]), np.array([-2.0, 3.0]), 0.5).tolist()
        [2.0, 4.0]
    """
    return _backend.select("leaky_relu_grad", dy=dy, x=x).leaky_relu_grad(dy, x, negative_slope)


def elu(x: FloatArray, alpha: float = 1.0) -> FloatArray:
    """Exponential linear unit: smooth, and bounded by -alpha below.

    Formula: `y = x where x > 0, else alpha * (exp(x) - 1)`, exact to the last digits near 0.

    Args:
        x: any shape, float32 or float64.
        alpha: at least 0.

    Returns:
        An array of x's shape and dtype.

    Raises:
        ValueError: alpha is negative or not finite.
        TypeError: x is no float32 or float64 array.

    References:
        Clevert, Unterthiner and Hochreiter, "Fast and accurate deep network learning by
        exponential linear units (ELUs)", ICLR 2016.

    Examples:
        >>> import numpy as np
        >>> from striate import ops
        >>> ops.elu(np.array([-1.0, 0.0, 3.0])).round(4).tolist()
        [-0.6321, 0.0, 3.0]
    """
    return _backend.select("elu", x=x).elu(x, alpha)


def elu_grad(dy: FloatArray, y: FloatArray, alpha: float = 1.0) -> FloatArray:
    """Gradient of `elu` with respect to its input.

    Formula: `dx = dy where y > 0, else dy * (y + alpha)`.

    Args:
        dy: the gradient with respect to the output, any shape.
        y: the output of `elu`, of dy's shape and dtype.
        alpha: as in `elu`.

    Returns:
        dx, of dy's shape and dtype.

    Raises:
        ValueError: dy and y differ in shape, or alpha is negative or not finite.
        TypeError: dy and y differ in dtype, or are no float32 or float64 arrays.

    References:
        As in `elu`.

    Examples:
        >>> import numpy as np
        >>> from striate import ops
        >>> ops.elu_grad(np.array([4.0, 4.0]), np.array([-0.5, 3.0])).tolist()
        [2.0, 4.0]
    """
    return _backend.select("elu_grad", dy=dy, y=y).elu_grad(dy, y, alpha)


def sigmoid(x: FloatArray) -> FloatArray:
    """Logistic function, without overflow for any input.

    Formula: `y = 1 / (1 + exp(-x))`.

    Args:
        x: any shape, float32 or float64.

    Returns:
        An array of x's shape and dtype.

    Raises:
        TypeError: x is no float32 or float64 array.

    References:
        LeCun, Bottou, Orr and Mueller, "Efficient backprop", 1998, section 4.4.

    Examples:
        >>> import numpy as np
        >>> from striate import ops
        >>> ops.sigmoid(np.array([-1e4, 0.0, np.log(3.0)])).round(6).tolist()
        [0.0, 0.5, 0.75]
    """
    return _backend.select("sigmoid", x=x).sigmoid(x)


def sigmoid_grad(dy: FloatArray, y: FloatArray) -> FloatArray:
    """Gradient of `sigmoid` with respect to its input.

    Formula: `dx = dy * y * (1 - y)`.

    Args:
        dy: the gradient with respect to the output, any shape.
        y: the output of `sigmoid`, of dy's shape and dtype.

    Returns:
        dx, of dy's shape and dtype.

    Raises:
        ValueError: dy and y differ in shape.
        TypeError: dy and y differ in dtype, or are no float32 or float64 arrays.

    References:
        As in `sigmoid`.

    Examples:
        >>> import numpy as np
        >>> from striate import ops
        >>> ops.sigmoid_grad(np.array([4.0, 4.0]), np.array([0.5, 1.0])).tolist()
        [1.0, 0.0]
    """
    return _backend.select("sigmoid_grad", dy=dy, y=y).sigmoid_grad(dy, y)


def tanh(x: FloatArray) -> FloatArray:
    """Hyperbolic tangent.

    Formula: `y = (exp(x) - exp(-x)) / (exp(x) + exp(-x))`, exact to the last digits near 0.

    Args:
        x: any shape, float32 or float64.

    Returns:
        An array of x's shape and dtype.

    Raises:
        TypeError: x is no float32 or float64 array.

    References:
        LeCun, Bottou, Orr and Mueller, "Efficient backprop", 1998, section 4.4.

    Examples:
        >>> import numpy as np
        >>> from striate import ops
        >>> ops.tanh(np.array([-1e4, 0.0, 1.0])).round(4).tolist()
        [-1.0, 0.0, 0.7616]
    """
    return _backend.select("tanh", x=x).tanh(x)


def tanh_grad(dy: FloatArray, y: FloatArray) -> FloatArray:
    """Gradient of `tanh` with respect to its input.

    Formula: `dx = dy * (1 - y**2)`.

    Args:
        dy: the gradient with respect to the output, any shape.
        y: the output of `tanh`, of dy's shape and dtype.

    Returns:
        dx, of dy's shape and dtype.

    Raises:
        ValueError: dy and y differ in shape.
        TypeError: dy and y differ in dtype, or are no float32 or float64 arrays.

    References:
        As in `tanh`.

    Examples:
        >>> import numpy as np
        >>> from striate import ops
        >>> ops.tanh_grad(np.array([4.0, 4.0]), np.array([0.5, 1.0])).tolist()
        [3.0, 0.0]
    """
    return _backend.select("tanh_grad", dy=dy, y=y).tanh_grad(dy, y)
