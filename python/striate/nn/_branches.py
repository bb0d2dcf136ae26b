"""Containers of layers side by side."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from striate import ops
from striate._typing import Activation, FloatArray

from ._module import Module


class Residual(Module):
    """body(x) + shortcut(x).

    Args:
        body: a module that keeps x's shape, or gives that of the shortcut.
        shortcut: a module; None for x itself.
        activation: None or "relu", applied to the sum.

    Raises:
        ValueError: when called, if the two shapes differ: nothing is broadcast.

    References:
        He et al., Deep Residual Learning for Image Recognition (2016).

    Examples:
        >>> import numpy as np
        >>> from striate import nn
        >>> block = nn.Residual(nn.Conv2d(8, 8, 3, padding=1, rng=0), activation="relu")
        >>> block(np.ones((2, 8, 5, 5), np.float32)).shape
        (2, 8, 5, 5)
    """

    def __init__(
        self, body: Module, shortcut: Module | None = None, *, activation: Activation = None
    ) -> None:
        self.body = body
        self.shortcut = shortcut
        self.activation = activation

    def forward(self, x: FloatArray) -> FloatArray:
        shortcut = x if self.shortcut is None else self.shortcut(x)
        return ops.add(self.body(x), shortcut, activation=self.activation)

    def vjp(self, x: FloatArray, *, train: bool = True) -> tuple[FloatArray, Callable[..., Any]]:
        # Lists, so that what a branch kept is freed once it has run.
        a, body = self.body.vjp(x, train=train)
        if self.shortcut is None:
            b, steps = x, [body]
        else:
            b, shortcut = self.shortcut.vjp(x, train=train)
            steps = [shortcut, body]
        y = ops.add(a, b, activation=self.activation)
        mask = y if self.activation else None

        def pullback(dy: FloatArray, input_grad: bool = True) -> Any:
            if mask is not None:
                dy = ops.add_grad(dy, y=mask)
            dxs = [] if self.shortcut is not None else [dy]
            while steps:
                dxs.append(steps.pop()(dy, input_grad=input_grad))
            return _total(dxs) if input_grad else None

        return y, pullback

    def extra_repr(self) -> str:
        return f"activation={self.activation!r}" if self.activation else ""


class Concat(Module):
    """The outputs of all branches for the same x, joined along the channels.

    Args:
        branches: modules, named "0", "1", ....
        axis: the axis along which they are joined.

    Raises:
        TypeError: for something that is no module.
        ValueError: without branches; when called, if the shapes differ but for the axis.

    References:
        Szegedy et al., Going Deeper with Convolutions (2015).

    Examples:
        >>> import numpy as np
        >>> from striate import nn
        >>> net = nn.Concat(nn.Conv2d(3, 8, 1, rng=0), nn.Conv2d(3, 4, 3, padding=1, rng=0))
        >>> net(np.ones((2, 3, 5, 5), np.float32)).shape
        (2, 12, 5, 5)
    """

    def __init__(self, *branches: Module, axis: int = 1) -> None:
        if not branches:
            raise ValueError("Concat: needs at least one branch. Got 0.")
        for i, branch in enumerate(branches):
            if not isinstance(branch, Module):
                raise TypeError(f"Concat: branches must be modules. Got {type(branch).__name__}.")
            setattr(self, str(i), branch)
        self.axis = axis

    def forward(self, x: Any) -> FloatArray:
        return ops.concat([branch(x) for _, branch in self.children()], self.axis)

    def vjp(self, x: Any, *, train: bool = True) -> tuple[FloatArray, Callable[..., Any]]:
        ys, steps = [], []
        for _, branch in self.children():
            y, step = branch.vjp(x, train=train)
            ys.append(y)
            steps.append(step)
        sizes, axis = [y.shape[self.axis] for y in ys], self.axis
        joined = ops.concat(ys, axis)

        def pullback(dy: FloatArray, input_grad: bool = True) -> Any:
            dys = list(ops.concat_grad(dy, sizes, axis))
            dxs = []
            while steps:
                dxs.append(steps.pop()(dys.pop(), input_grad=input_grad))
            return _total(dxs) if input_grad else None

        return joined, pullback

    def extra_repr(self) -> str:
        return "" if self.axis == 1 else f"axis={self.axis}"


def _total(gradients: list[Any]) -> Any:
    """Add up the gradients of one input; None if it is an integer one."""
    given = [gradient for gradient in gradients if gradient is not None]
    return functools.reduce(ops.add, given) if given else None
