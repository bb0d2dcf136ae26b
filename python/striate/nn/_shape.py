"""Layers that only change the shape."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from striate._typing import FloatArray

from ._module import Module


class Flatten(Module):
    """Make one axis of the axes from `start_dim` to `end_dim`.

    The output shares x's memory where x is contiguous.

    Raises:
        ValueError: if x has no such axes.

    Examples:
        >>> import numpy as np
        >>> from striate import nn
        >>> nn.Flatten()(np.zeros((2, 256, 6, 6), np.float32)).shape
        (2, 9216)
    """

    def __init__(self, start_dim: int = 1, end_dim: int = -1) -> None:
        self.start_dim = start_dim
        self.end_dim = end_dim

    def forward(self, x: FloatArray) -> FloatArray:
        axes = range(x.ndim)
        try:
            first, last = axes[self.start_dim], axes[self.end_dim]
        except IndexError:
            first, last = 1, 0
        if first > last:
            raise ValueError(
                "Flatten: x must have the axes from start_dim to end_dim. Got shape "
                f"{x.shape}, start_dim={self.start_dim}, end_dim={self.end_dim}."
            )
        # No -1, which an empty batch would make ambiguous.
        middle = math.prod(x.shape[first : last + 1])
        return x.reshape(*x.shape[:first], middle, *x.shape[last + 1 :])

    def vjp(self, x: FloatArray) -> tuple[FloatArray, Callable[..., Any]]:
        x_shape = x.shape
        return self.forward(x), lambda dy: dy.reshape(x_shape)

    def extra_repr(self) -> str:
        return f"start_dim={self.start_dim}, end_dim={self.end_dim}"
