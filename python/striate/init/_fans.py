"""What an initializer is, and what it is told of the layer."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple, Protocol

import numpy.typing as npt

from striate._typing import FloatArray

from ._stream import RngLike


class Fans(NamedTuple):
    """How many inputs feed one output of a layer, and how many outputs one input feeds."""

    fan_in: int
    fan_out: int


class Initializer(Protocol):
    """A function that makes a parameter's first values."""

    def __call__(
        self, shape: Sequence[int], fans: Fans, rng: RngLike, dtype: npt.DTypeLike, /
    ) -> FloatArray: ...


def gain(nonlinearity: str, slope: float = 0.01) -> float:
    """Return the factor by which weights must grow so that a nonlinearity keeps the variance.

    Args:
        nonlinearity: "linear", "sigmoid" (1), "tanh" (5/3), "relu" (sqrt 2), "leaky_relu"
            (sqrt(2 / (1 + slope**2))) or "selu" (3/4): PyTorch's values.
        slope: the negative slope of "leaky_relu".

    Raises:
        ValueError: for another nonlinearity.

    References:
        He et al., Delving Deep into Rectifiers (2015), section 2.2.

    Examples:
        >>> round(gain("relu") ** 2, 6)
        2.0
    """
    gains = {
        "linear": 1.0,
        "sigmoid": 1.0,
        "tanh": 5 / 3,
        "relu": math.sqrt(2.0),
        "leaky_relu": math.sqrt(2.0 / (1.0 + slope**2)),
        "selu": 0.75,
    }
    if nonlinearity not in gains:
        raise ValueError(
            f"gain: nonlinearity must be one of {', '.join(gains)}. "
            f"Got nonlinearity={nonlinearity!r}."
        )
    return gains[nonlinearity]
