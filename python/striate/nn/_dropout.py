"""Dropout."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from striate import ops
from striate._typing import FloatArray
from striate.init import RngLike

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
            raise ValueError(f"Dropout: p must be in [0, 1]. Got p={p}.")
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
