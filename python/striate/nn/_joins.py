"""Layers of several inputs, for the nodes of a `Graph`."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from striate import ops
from striate._typing import Activation, FloatArray

from ._module import Module


class Add(Module):
    """The sum of its inputs, which have one shape.

    Args:
        activation: None or "relu", applied to the sum.

    Raises:
        ValueError: when called, if the shapes differ: nothing is broadcast.

    Examples:
        >>> import numpy as np
        >>> from striate import nn
        >>> nn.Add()(np.float32([1, 2]), np.float32([3, 4]), np.float32([5, 6]))
        array([ 9., 12.], dtype=float32)
    """

    def __init__(self, activation: Activation = None) -> None:
        self.activation = activation

    def forward(self, *inputs: FloatArray) -> FloatArray:
        _check("Add", inputs)
        first = functools.reduce(ops.add, inputs[:-1])
        return ops.add(first, inputs[-1], activation=self.activation)

    def vjp(self, *inputs: FloatArray) -> tuple[FloatArray, Callable[..., Any]]:
        y = self.forward(*inputs)
        mask, count = (y if self.activation else None), len(inputs)

        def pullback(dy: FloatArray) -> tuple[FloatArray, ...]:
            return (dy if mask is None else ops.add_grad(dy, y=mask),) * count

        return y, pullback

    def extra_repr(self) -> str:
        return f"activation={self.activation!r}" if self.activation else ""


class Multiply(Module):
    """The product of its two inputs, which have one shape.

    Raises:
        ValueError: when called, if the shapes differ: nothing is broadcast.

    Examples:
        >>> import numpy as np
        >>> from striate import nn
        >>> nn.Multiply()(np.float32([1, 2]), np.float32([3, 4]))
        array([3., 8.], dtype=float32)
    """

    def forward(self, a: FloatArray, b: FloatArray) -> FloatArray:
        return ops.mul(a, b)

    def vjp(self, a: FloatArray, b: FloatArray) -> tuple[FloatArray, Callable[..., Any]]:
        return ops.mul(a, b), lambda dy: ops.mul_grad(dy, a, b)


class Concatenate(Module):
    """Its inputs joined along an axis; `Concat` joins the outputs of branches.

    Args:
        axis: the axis along which they are joined.

    Raises:
        ValueError: when called, if the shapes differ but for the axis.

    Examples:
        >>> import numpy as np
        >>> from striate import nn
        >>> nn.Concatenate()(np.zeros((1, 2, 3)), np.ones((1, 4, 3))).shape
        (1, 6, 3)
    """

    def __init__(self, axis: int = 1) -> None:
        self.axis = axis

    def forward(self, *inputs: FloatArray) -> FloatArray:
        return ops.concat(inputs, self.axis)

    def vjp(self, *inputs: FloatArray) -> tuple[FloatArray, Callable[..., Any]]:
        y, axis = ops.concat(inputs, self.axis), self.axis
        sizes = [x.shape[axis] for x in inputs]
        return y, lambda dy: ops.concat_grad(dy, sizes, axis)

    def extra_repr(self) -> str:
        return "" if self.axis == 1 else f"axis={self.axis}"


def _check(layer: str, inputs: tuple[FloatArray, ...]) -> None:
    if len(inputs) < 2:
        raise ValueError(f"{layer}: needs at least two inputs. Got {len(inputs)}.")
