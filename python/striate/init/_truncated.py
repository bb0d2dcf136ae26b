"""The normal distribution without its tails."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy.typing as npt

from striate._typing import FloatArray

from ._fans import Fans
from ._stream import RngLike, Stream


@dataclass(frozen=True)
class truncated_normal:
    """The normal distribution within `cut` standard deviations, scaled to have the asked `std`.

    Formula: with phi and Phi the standard normal density and distribution function, what is left
    within c standard deviations has the variance `1 - 2 c phi(c) / (2 Phi(c) - 1)`, 0.774 for c =
    2. The draws are divided by its root, so that the greatest is `cut * std / sqrt(variance)`.
    (PyTorch cuts at absolute bounds, and Keras does not rescale: their weights vary less.)

    Args:
        std: the standard deviation of the result.
        cut: where to cut, in standard deviations of the normal distribution; above 0.
        mean: the mean of the result.

    Raises:
        ValueError: if std is negative, or cut is not positive.

    Examples:
        >>> w = truncated_normal(0.02)((1000, 100), Fans(100, 1000), 0, "float64")
        >>> bool(abs(w.std() - 0.02) < 1e-4), bool(abs(w).max() < 0.0455)
        (True, True)
    """

    std: float
    cut: float = 2.0
    mean: float = 0.0

    def __post_init__(self) -> None:
        if not self.std >= 0:
            raise ValueError(f"truncated_normal: std must be at least 0. Got std={self.std}.")
        if not self.cut > 0:
            raise ValueError(f"truncated_normal: cut must be above 0. Got cut={self.cut}.")

    def __call__(
        self, shape: Sequence[int], fans: Fans, rng: RngLike, dtype: npt.DTypeLike
    ) -> FloatArray:
        whole = self.std / math.sqrt(_variance_within(self.cut))
        return Stream.of(rng).truncated_normal(shape, self.mean, whole, self.cut, dtype)


def _variance_within(cut: float) -> float:
    """The variance of what the standard normal distribution has in [-cut, cut]."""
    if cut < 0.1:  # the difference below would cancel
        return cut**2 / 3 * (1 - 2 * cut**2 / 15)
    if math.isinf(cut):
        return 1.0
    density = math.exp(-(cut**2) / 2) / math.sqrt(2 * math.pi)
    return 1 - 2 * cut * density / math.erf(cut / math.sqrt(2))
