"""Activations as layers of their own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from striate import ops
from striate._typing import FloatArray

from ._module import Module


class ReLU(Module):
    """max(x, 0), of any shape.

    After a convolution or a linear layer, `activation="relu"` there saves a sweep.

    Examples:
        >>> import numpy as np
        >>> from striate import nn
        >>> nn.ReLU()(np.float32([-1.0, 2.0]))
        array([0., 2.], dtype=float32)
    """

    def forward(self, x: FloatArray) -> FloatArray:
        return ops.relu(x)

    def vjp(self, x: FloatArray) -> tuple[FloatArray, Callable[..., Any]]:
        y = ops.relu(x)
        return y, lambda dy: ops.relu_grad(dy, y)


class LeakyReLU(Module):
    """x where x > 0, else negative_slope * x; see `striate.ops.leaky_relu`.

    Examples:
        >>> import numpy as np
        >>> from striate import nn
        >>> nn.LeakyReLU(0.5)(np.float32([-1.0, 2.0]))
        array([-0.5,  2. ], dtype=float32)
    """

    def __init__(self, negative_slope: float = 0.01) -> None:
        self.negative_slope = negative_slope

    def forward(self, x: FloatArray) -> FloatArray:
        return ops.leaky_relu(x, self.negative_slope)

    def vjp(self, x: FloatArray) -> tuple[FloatArray, Callable[..., Any]]:
        slope = self.negative_slope
        return ops.leaky_relu(x, slope), lambda dy: ops.leaky_relu_grad(dy, x, slope)

    def extra_repr(self) -> str:
        return f"{self.negative_slope}"


class ELU(Module):
    """x where x > 0, else alpha * (exp(x) - 1); see `striate.ops.elu`.

    Examples:
        >>> import numpy as np
        >>> from striate import nn
        >>> nn.ELU()(np.float32([-100.0, 2.0]))
        array([-1.,  2.], dtype=float32)
    """

    def __init__(self, alpha: float = 1.0) -> None:
        self.alpha = alpha

    def forward(self, x: FloatArray) -> FloatArray:
        return ops.elu(x, self.alpha)

    def vjp(self, x: FloatArray) -> tuple[FloatArray, Callable[..., Any]]:
        alpha = self.alpha
        y = ops.elu(x, alpha)
        return y, lambda dy: ops.elu_grad(dy, y, alpha)

    def extra_repr(self) -> str:
        return f"{self.alpha}"


class Sigmoid(Module):
    """1 / (1 + exp(-x)), of any shape.

    Examples:
        >>> import numpy as np
        >>> from striate import nn
        >>> nn.Sigmoid()(np.float32([-1000.0, 0.0]))
        array([0. , 0.5], dtype=float32)
    """

    def forward(self, x: FloatArray) -> FloatArray:
        return ops.sigmoid(x)

    def vjp(self, x: FloatArray) -> tuple[FloatArray, Callable[..., Any]]:
        y = ops.sigmoid(x)
        return y, lambda dy: ops.sigmoid_grad(dy, y)


class Tanh(Module):
    """The hyperbolic tangent, of any shape.

    Examples:
        >>> import numpy as np
        >>> from striate import nn
        >>> nn.Tanh()(np.float32([-1000.0, 0.0]))
        array([-1.,  0.], dtype=float32)
    """

    def forward(self, x: FloatArray) -> FloatArray:
        return ops.tanh(x)

    def vjp(self, x: FloatArray) -> tuple[FloatArray, Callable[..., Any]]:
        y = ops.tanh(x)
        return y, lambda dy: ops.tanh_grad(dy, y)


class Softmax(Module):
    """Probabilities that add up to 1 along an axis; `losses.cross_entropy` takes scores without it.

    Examples:
        >>> import numpy as np
        >>> from striate import nn
        >>> nn.Softmax()(np.float32([[0.0, 0.0]]))
        array([[0.5, 0.5]], dtype=float32)
    """

    def __init__(self, dim: int = -1) -> None:
        self.dim = dim

    def forward(self, x: FloatArray) -> FloatArray:
        return ops.softmax(x, self.dim)

    def vjp(self, x: FloatArray) -> tuple[FloatArray, Callable[..., Any]]:
        dim = self.dim
        y = ops.softmax(x, dim)
        return y, lambda dy: ops.softmax_grad(dy, y, dim)

    def extra_repr(self) -> str:
        return f"dim={self.dim}"
