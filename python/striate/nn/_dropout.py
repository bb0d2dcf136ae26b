"""Dropout."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from striate import init, ops
from striate._typing import FloatArray
from striate.init import Fans, RngLike

from ._random import RandomLayer


class Dropout(RandomLayer):
    """In training, zeroes elements with probability p and divides the others by 1 - p.

    Inference returns x itself. No mask is stored: it is drawn again for the gradient. Each `vjp`
    uses the next part of the layer's random numbers; how far it has come is in `train_state()`.

    Args:
        p: in [0, 1].
        rng: see `Module` on seeds. The seed is settled by the first `vjp`.

    Raises:
        ValueError: for another p.

    References:
        Srivastava et al., Dropout: A Simple Way to Prevent Neural Networks from Overfitting (2014).

    Examples:
        >>> import numpy as np
        >>> from striate import nn
        >>> y, pullback = nn.Dropout(0.5, rng=0).vjp(np.ones((1, 100), np.float32))
        >>> sorted(set(y.ravel().tolist()))
        [0.0, 2.0]
        >>> bool((pullback(np.ones_like(y)) == y).all())
        True
    """

    def __init__(self, p: float = 0.5, *, rng: RngLike | None = None) -> None:
        if not 0 <= p <= 1:
            raise ValueError(f"{type(self).__name__}: p must be in [0, 1]. Got p={p}.")
        super().__init__(rng)
        self.p = p

    def forward(self, x: FloatArray) -> FloatArray:
        return x

    def vjp(self, x: FloatArray, *, train: bool = True) -> tuple[FloatArray, Callable[..., Any]]:
        if not train:
            return x, lambda dy: dy
        p = self.p
        seed, offset = self.next_numbers(x.size)
        return (
            ops.dropout(x, p, seed=seed, offset=offset),
            lambda dy: ops.dropout(dy, p, seed=seed, offset=offset),
        )

    def extra_repr(self) -> str:
        return f"p={self.p}"


class Dropout2d(Dropout):
    """In training, zeroes whole channels with probability p and divides the others by 1 - p.

    Neighbouring positions of a channel are alike, so that dropping them one by one would leave most
    of the information. Which channels fall is what `striate.ops.dropout` does to an array (N, C) of
    ones, with the layer's seed and counter; everything else is as in `Dropout`.

    Shapes: x and y (N, C, ...).

    Args:
        p: in [0, 1].
        rng: see `Module` on seeds. The seed is settled by the first `vjp`.

    Raises:
        ValueError: for another p; when called for training, if x has fewer than two axes.

    References:
        Tompson et al., Efficient Object Localization Using Convolutional Networks (2015), section
        3.2.

    Examples:
        >>> import numpy as np
        >>> from striate import nn
        >>> y, pullback = nn.Dropout2d(0.5, rng=0).vjp(np.ones((4, 8, 3, 3), np.float32))
        >>> sorted(set(y.reshape(32, 9).sum(axis=1).tolist()))
        [0.0, 18.0]
    """

    def vjp(self, x: FloatArray, *, train: bool = True) -> tuple[FloatArray, Callable[..., Any]]:
        if not train:
            return x, lambda dy: dy
        if x.ndim < 2:
            raise ValueError(f"Dropout2d: x must have axes (N, C, ...). Got shape {x.shape}.")
        ones = init.ones()(x.shape[:2], Fans(1, 1), 0, x.dtype)
        seed, offset = self.next_numbers(ones.size)
        scale = ops.dropout(ones, self.p, seed=seed, offset=offset)
        return ops.scale_channels(x, scale), lambda dy: ops.scale_channels(dy, scale)
