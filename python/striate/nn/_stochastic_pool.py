"""Stochastic pooling."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from striate import ops
from striate._typing import FloatArray, IntOrPair
from striate.init import RngLike

from ._random import RandomLayer


class StochasticPool2d(RandomLayer):
    """In training, draws an element of each window in proportion to the positive ones.

    Inference takes the average that the same probabilities give. Nothing of a draw is stored: the
    gradient draws it again. Each `vjp` uses the next part of the layer's random numbers; how far it
    has come is in `train_state()`.

    Shapes: x (N, C, H, W), y (N, C, H_out, W_out); see `striate.ops.stochastic_pool2d`.

    Args:
        kernel_size, stride: an int or (h, w); the stride is by default the kernel size.
        rng: see `Module` on seeds. The seed is settled by the first `vjp`.

    References:
        Zeiler and Fergus, Stochastic Pooling for Regularization of Deep Convolutional Neural
        Networks (2013).

    Examples:
        >>> import numpy as np
        >>> from striate import nn
        >>> pool = nn.StochasticPool2d(2, rng=0)
        >>> x = np.array([[[[0.0, 3.0], [0.0, 1.0]]]])
        >>> pool(x).item()
        2.5
        >>> draws = {pool.vjp(x)[0].item() for _ in range(100)}
        >>> sorted(draws)
        [1.0, 3.0]
    """

    def __init__(
        self,
        kernel_size: IntOrPair,
        stride: IntOrPair | None = None,
        *,
        rng: RngLike | None = None,
    ) -> None:
        super().__init__(rng)
        self.kernel_size = kernel_size
        self.stride = stride

    def forward(self, x: FloatArray) -> FloatArray:
        return ops.stochastic_pool2d(x, self.kernel_size, stride=self.stride, seed=None)

    def vjp(self, x: FloatArray, *, train: bool = True) -> tuple[FloatArray, Callable[..., Any]]:
        kernel_size, stride = self.kernel_size, self.stride
        seed: int | None = None
        offset = 0
        if train:
            # No more numbers than elements: there is one for each window, and they may overlap.
            seed, offset = self.next_numbers(x.size)
        y = ops.stochastic_pool2d(x, kernel_size, stride=stride, seed=seed, offset=offset)
        return y, lambda dy: ops.stochastic_pool2d_grad(
            dy, x, kernel_size, stride=stride, seed=seed, offset=offset
        )

    def extra_repr(self) -> str:
        return f"{self.kernel_size}, stride={self.stride}"
