"""Smooth relatives of the rectifier: softplus, SiLU, GELU and hard swish."""

from __future__ import annotations

from striate import _backend
from striate._typing import FloatArray, GeluApproximate


def softplus(x: FloatArray, beta: float = 1.0, threshold: float = 20.0) -> FloatArray:
    """Smooth rectifier, positive everywhere, whose slope is a sigmoid.

    Formula: `y = log(1 + exp(beta * x)) / beta`, and `y = x` where `beta * x > threshold`. Nothing
    overflows: -inf gives 0, inf gives inf, NaN gives NaN.

    Args:
        x: any shape, float32 or float64.
        beta: how sharp the bend is, greater than 0.
        threshold: beyond it the function is taken to be x itself.

    Returns:
        An array of x's shape and dtype.

    Raises:
        ValueError: beta is not finite and greater than 0, or threshold is NaN.
        TypeError: x is no float32 or float64 array.

    References:
        Dugas, Bengio, Belisle, Nadeau and Garcia, "Incorporating second-order functional knowledge
        for better option pricing", NIPS 2000, section 3.

    Examples:
        >>> import numpy as np
        >>> from striate import ops
        >>> ops.softplus(np.array([-1e4, 0.0, 1e4])).round(4).tolist()
        [0.0, 0.6931, 10000.0]
    """
    return _backend.select("softplus", x=x).softplus(x, beta, threshold)


def softplus_grad(
    dy: FloatArray, x: FloatArray, beta: float = 1.0, threshold: float = 20.0
) -> FloatArray:
    """Gradient of `softplus` with respect to its input.

    Formula: `dx = dy / (1 + exp(-beta * x))`, and dy where `beta * x > threshold`.

    Args:
        dy: the gradient with respect to the output, any shape.
        x: the input of `softplus`, of dy's shape and dtype.
        beta: as in `softplus`.
        threshold: as in `softplus`.

    Returns:
        dx, of dy's shape and dtype.

    Raises:
        ValueError: dy and x differ in shape, or an option is out of range.
        TypeError: dy and x differ in dtype, or are no float32 or float64 arrays.

    References:
        As in `softplus`.

    Examples:
        >>> import numpy as np
        >>> from striate import ops
        >>> ops.softplus_grad(np.array([4.0, 4.0]), np.array([0.0, 1e4])).tolist()
        [2.0, 4.0]
    """
    return _backend.select("softplus_grad", dy=dy, x=x).softplus_grad(dy, x, beta, threshold)


def silu(x: FloatArray) -> FloatArray:
    """Sigmoid linear unit, also called swish.

    Formula: `y = x / (1 + exp(-x))`. -inf gives its limit 0, inf gives inf, NaN gives NaN.

    Args:
        x: any shape, float32 or float64.

    Returns:
        An array of x's shape and dtype.

    Raises:
        TypeError: x is no float32 or float64 array.

    References:
        Elfwing, Uchibe and Doya, "Sigmoid-weighted linear units for neural network function
        approximation in reinforcement learning", Neural Networks 107, 2018, section 2.1.

    Examples:
        >>> import numpy as np
        >>> from striate import ops
        >>> ops.silu(np.array([-1.0, 0.0, 1e4])).round(4).tolist()
        [-0.2689, 0.0, 10000.0]
    """
    return _backend.select("silu", x=x).silu(x)


def silu_grad(dy: FloatArray, x: FloatArray) -> FloatArray:
    """Gradient of `silu` with respect to its input.

    Formula: `dx = dy * s * (1 + x * (1 - s))` with `s = 1 / (1 + exp(-x))`; its limits 0 and dy
    where x is infinite.

    Args:
        dy: the gradient with respect to the output, any shape.
        x: the input of `silu`, of dy's shape and dtype.

    Returns:
        dx, of dy's shape and dtype.

    Raises:
        ValueError: dy and x differ in shape.
        TypeError: dy and x differ in dtype, or are no float32 or float64 arrays.

    References:
        As in `silu`.

    Examples:
        >>> import numpy as np
        >>> from striate import ops
        >>> ops.silu_grad(np.array([4.0, 4.0]), np.array([0.0, 1e4])).tolist()
        [2.0, 4.0]
    """
    return _backend.select("silu_grad", dy=dy, x=x).silu_grad(dy, x)


def gelu(x: FloatArray, *, approximate: GeluApproximate = "none") -> FloatArray:
    """Gaussian error linear unit.

    Formula: `y = x * Phi(x)` with `Phi(x) = (1 + erf(x / sqrt(2))) / 2`; with "tanh",
    `y = x * (1 + tanh(sqrt(2 / pi) * (x + 0.044715 * x**3))) / 2`. Both keep their digits where y
    is tiny. -inf gives the limit 0, inf gives inf, NaN gives NaN.

    Args:
        x: any shape, float32 or float64.
        approximate: "none" or "tanh".

    Returns:
        An array of x's shape and dtype.

    Raises:
        ValueError: approximate is neither "none" nor "tanh".
        TypeError: x is no float32 or float64 array.

    References:
        Hendrycks and Gimpel, "Gaussian error linear units (GELUs)", 2016, section 2.

    Examples:
        >>> import numpy as np
        >>> from striate import ops
        >>> ops.gelu(np.array([-1.0, 0.0, 1e4])).round(4).tolist()
        [-0.1587, 0.0, 10000.0]
        >>> ops.gelu(np.array([-1.0, 1.0]), approximate="tanh").round(4).tolist()
        [-0.1588, 0.8412]
    """
    return _backend.select("gelu", x=x).gelu(x, approximate)


def gelu_grad(
    dy: FloatArray, x: FloatArray, *, approximate: GeluApproximate = "none"
) -> FloatArray:
    """Gradient of `gelu` with respect to its input.

    Formula: `dx = dy * (Phi(x) + x * phi(x))` with `phi(x) = exp(-x**2 / 2) / sqrt(2 * pi)`; with
    "tanh", `dx = dy * s * (1 + x * u * (1 - s))` with `u = sqrt(8 / pi) * (1 + 0.134145 * x**2)`
    and s the sigmoid of `sqrt(8 / pi) * (x + 0.044715 * x**3)`. Its limits are 0 and dy where x is
    infinite.

    Args:
        dy: the gradient with respect to the output, any shape.
        x: the input of `gelu`, of dy's shape and dtype.
        approximate: as in `gelu`.

    Returns:
        dx, of dy's shape and dtype.

    Raises:
        ValueError: dy and x differ in shape, or approximate is neither "none" nor "tanh".
        TypeError: dy and x differ in dtype, or are no float32 or float64 arrays.

    References:
        As in `gelu`.

    Examples:
        >>> import numpy as np
        >>> from striate import ops
        >>> ops.gelu_grad(np.array([4.0, 4.0]), np.array([0.0, 1e4])).tolist()
        [2.0, 4.0]
    """
    return _backend.select("gelu_grad", dy=dy, x=x).gelu_grad(dy, x, approximate)


def hardswish(x: FloatArray) -> FloatArray:
    """Swish with straight pieces in the place of its sigmoid.

    Formula: `y = x * min(max(x + 3, 0), 6) / 6`. -inf gives its limit 0, inf gives inf, NaN gives
    NaN.

    Args:
        x: any shape, float32 or float64.

    Returns:
        An array of x's shape and dtype.

    Raises:
        TypeError: x is no float32 or float64 array.

    References:
        Howard et al., "Searching for MobileNetV3", ICCV 2019, section 5.2.

    Examples:
        >>> import numpy as np
        >>> from striate import ops
        >>> ops.hardswish(np.array([-1e4, 1.5, 1e4])).tolist()
        [0.0, 1.125, 10000.0]
    """
    return _backend.select("hardswish", x=x).hardswish(x)


def hardswish_grad(dy: FloatArray, x: FloatArray) -> FloatArray:
    """Gradient of `hardswish` with respect to its input.

    Formula: `dx = 0 where x <= -3, dy where x >= 3, else dy * (x / 3 + 1 / 2)`.

    Args:
        dy: the gradient with respect to the output, any shape.
        x: the input of `hardswish`, of dy's shape and dtype.

    Returns:
        dx, of dy's shape and dtype.

    Raises:
        ValueError: dy and x differ in shape.
        TypeError: dy and x differ in dtype, or are no float32 or float64 arrays.

    References:
        As in `hardswish`.

    Examples:
        >>> import numpy as np
        >>> from striate import ops
        >>> ops.hardswish_grad(np.array([4.0, 4.0, 4.0]), np.array([-3.0, 0.0, 3.0])).tolist()
        [0.0, 2.0, 4.0]
    """
    return _backend.select("hardswish_grad", dy=dy, x=x).hardswish_grad(dy, x)
