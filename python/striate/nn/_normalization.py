"""Normalisation layers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypedDict

from striate import ops
from striate._typing import FloatArray, LrnConvention, LrnRegion

from ._module import Module


class _Options(TypedDict):
    alpha: float
    beta: float
    k: float
    region: LrnRegion
    convention: LrnConvention


class LocalResponseNorm(Module):
    """Each value divided by a power of the squares around it, in other channels or its own.

    Shapes: x and y (N, C, ...); the formula is in `striate.ops.local_response_norm`.

    Args:
        size: of the window, in channels or pixels.
        alpha, beta, k: scale, exponent and constant.
        region: "across" channels, or "within" each one, in a window of `size` by `size` pixels.
        convention: "torch", "onnx" or "paper": what alpha is divided by, and even windows.

    References:
        Krizhevsky et al., ImageNet Classification with Deep Convolutional Neural Networks (2012),
        section 3.3.

    Examples:
        >>> import numpy as np
        >>> from striate import nn
        >>> lrn = nn.LocalResponseNorm(5, alpha=1e-4, beta=0.75, k=2.0, convention="paper")
        >>> lrn(np.zeros((1, 64, 27, 27), np.float32)).shape
        (1, 64, 27, 27)
    """

    def __init__(
        self,
        size: int,
        alpha: float = 1e-4,
        beta: float = 0.75,
        k: float = 1.0,
        *,
        region: LrnRegion = "across",
        convention: LrnConvention = "torch",
    ) -> None:
        self.size = size
        self.alpha = alpha
        self.beta = beta
        self.k = k
        self.region = region
        self.convention = convention

    def forward(self, x: FloatArray) -> FloatArray:
        return ops.local_response_norm(x, self.size, **self._options())

    def vjp(self, x: FloatArray) -> tuple[FloatArray, Callable[..., Any]]:
        size, options = self.size, self._options()
        y = ops.local_response_norm(x, size, **options)
        return y, lambda dy: ops.local_response_norm_grad(dy, x, size, **options)

    def _options(self) -> _Options:
        return {
            "alpha": self.alpha,
            "beta": self.beta,
            "k": self.k,
            "region": self.region,
            "convention": self.convention,
        }

    def extra_repr(self) -> str:
        return (
            f"{self.size}, alpha={self.alpha}, beta={self.beta}, k={self.k}, "
            f"region={self.region!r}, convention={self.convention!r}"
        )
