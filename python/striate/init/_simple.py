"""Initializers that do not look at the layer: constants and fixed distributions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from striate._typing import FloatArray

from ._fans import Fans
from ._stream import RngLike, Stream

# The initializers are classes only to have a repr, to compare and to pickle; they are used, and
# named, like functions.


@dataclass(frozen=True)
class constant:
    """Every element is `value`.

    Examples:
        >>> constant(0.5)((2, 2), Fans(2, 2), 0, "float32")
        array([[0.5, 0.5],
               [0.5, 0.5]], dtype=float32)
    """

    value: float

    def __call__(
        self, shape: Sequence[int], fans: Fans, rng: RngLike, dtype: npt.DTypeLike
    ) -> FloatArray:
        return np.full(shape, self.value, dtype)


def zeros() -> constant:
    """Every element is 0."""
    return constant(0.0)


def ones() -> constant:
    """Every element is 1."""
    return constant(1.0)


@dataclass(frozen=True)
class normal:
    """The normal distribution with this standard deviation and mean.

    Raises:
        ValueError: if std is negative.

    Examples:
        >>> w = normal(std=0.01)((1000, 100), Fans(100, 1000), 0, "float64")
        >>> bool(abs(w.mean()) < 1e-4), bool(abs(w.std() - 0.01) < 1e-4)
        (True, True)
    """

    std: float = 0.01
    mean: float = 0.0

    def __post_init__(self) -> None:
        if not self.std >= 0:
            raise ValueError(f"normal: std must be at least 0. Got std={self.std}.")

    def __call__(
        self, shape: Sequence[int], fans: Fans, rng: RngLike, dtype: npt.DTypeLike
    ) -> FloatArray:
        return Stream.of(rng).normal(shape, self.mean, self.std, dtype)


@dataclass(frozen=True)
class uniform:
    """The uniform distribution on (low, high).

    Raises:
        ValueError: if low is above high.

    Examples:
        >>> w = uniform(-0.1, 0.1)((4, 3), Fans(3, 4), 0, "float32")
        >>> bool(abs(w).max() <= 0.1)
        True
    """

    low: float
    high: float

    def __post_init__(self) -> None:
        if not self.low <= self.high:
            raise ValueError(
                f"uniform: low must not be above high. Got low={self.low}, high={self.high}."
            )

    def __call__(
        self, shape: Sequence[int], fans: Fans, rng: RngLike, dtype: npt.DTypeLike
    ) -> FloatArray:
        return Stream.of(rng).uniform(shape, self.low, self.high, dtype)
