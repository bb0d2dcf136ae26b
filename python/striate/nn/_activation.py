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
