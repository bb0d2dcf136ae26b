"""Initializers that scale with the layer's fans, so that signals keep their variance.

Each draws with standard deviation `gain / sqrt(fan)`; a uniform distribution on (-a, a) has
standard deviation a / sqrt(3).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy.typing as npt

from striate._typing import FloatArray

from ._fans import Fans
from ._gain import gain
from ._simple import normal, uniform
from ._stream import RngLike


@dataclass(frozen=True)
class xavier_normal:
    """The normal distribution with std = gain * sqrt(2 / (fan_in + fan_out)).

    References:
        Glorot and Bengio, Understanding the difficulty of training deep feedforward neural
        networks (2010), equation 12.

    Examples:
        >>> w = xavier_normal()((400, 600), Fans(600, 400), 0, "float64")
        >>> bool(abs(w.var() * 500 - 1) < 0.02)
        True
    """

    gain: float = 1.0

    def __call__(
        self, shape: Sequence[int], fans: Fans, rng: RngLike, dtype: npt.DTypeLike
    ) -> FloatArray:
        std = self.gain * _root("xavier_normal", 2, sum(fans))
        return normal(std)(shape, fans, rng, dtype)


@dataclass(frozen=True)
class xavier_uniform:
    """The uniform distribution on (-a, a) with a = gain * sqrt(6 / (fan_in + fan_out)).

    References:
        Glorot and Bengio (2010), equation 16.

    Examples:
        >>> w = xavier_uniform()((3, 3), Fans(3, 3), 0, "float64")
        >>> bool(abs(w).max() <= 1)
        True
    """

    gain: float = 1.0

    def __call__(
        self, shape: Sequence[int], fans: Fans, rng: RngLike, dtype: npt.DTypeLike
    ) -> FloatArray:
        bound = self.gain * _root("xavier_uniform", 6, sum(fans))
        return uniform(-bound, bound)(shape, fans, rng, dtype)


@dataclass(frozen=True)
class _Kaiming:
    nonlinearity: str = "relu"
    mode: str = "fan_in"
    slope: float = 0.0

    def __post_init__(self) -> None:
        gain(self.nonlinearity, self.slope)
        if self.mode not in Fans._fields:
            raise ValueError(
                f"{type(self).__name__}: mode must be 'fan_in' or 'fan_out'. "
                f"Got mode={self.mode!r}."
            )

    def _std(self, fans: Fans) -> float:
        fan = fans[Fans._fields.index(self.mode)]
        return gain(self.nonlinearity, self.slope) * _root(type(self).__name__, 1, fan)


class kaiming_normal(_Kaiming):
    """The normal distribution with std = gain(nonlinearity, slope) / sqrt(fan).

    Args:
        nonlinearity: what follows the layer; see `gain`.
        mode: "fan_in" keeps the variance of the activations, "fan_out" that of the gradients.
        slope: the negative slope of "leaky_relu".

    Raises:
        ValueError: for another nonlinearity or mode.

    References:
        He et al., Delving Deep into Rectifiers (2015), section 2.2.

    Examples:
        >>> w = kaiming_normal()((400, 600), Fans(600, 400), 0, "float64")
        >>> bool(abs(w.var() * 300 - 1) < 0.02)
        True
    """

    def __call__(
        self, shape: Sequence[int], fans: Fans, rng: RngLike, dtype: npt.DTypeLike
    ) -> FloatArray:
        return normal(self._std(fans))(shape, fans, rng, dtype)


class kaiming_uniform(_Kaiming):
    """The uniform distribution on (-a, a) with a = gain(nonlinearity, slope) * sqrt(3 / fan).

    The arguments are those of `kaiming_normal`.

    Examples:
        >>> w = kaiming_uniform(mode="fan_out")((6, 9), Fans(9, 6), 0, "float64")
        >>> bool(abs(w).max() <= 1)
        True
    """

    def __call__(
        self, shape: Sequence[int], fans: Fans, rng: RngLike, dtype: npt.DTypeLike
    ) -> FloatArray:
        bound = math.sqrt(3) * self._std(fans)
        return uniform(-bound, bound)(shape, fans, rng, dtype)


@dataclass(frozen=True)
class lecun_normal:
    """The normal distribution with std = sqrt(1 / fan_in), as self-normalising networks ask for.

    References:
        LeCun et al., Efficient BackProp (1998), section 4.6.

    Examples:
        >>> w = lecun_normal()((400, 600), Fans(600, 400), 0, "float64")
        >>> bool(abs(w.var() * 600 - 1) < 0.02)
        True
    """

    def __call__(
        self, shape: Sequence[int], fans: Fans, rng: RngLike, dtype: npt.DTypeLike
    ) -> FloatArray:
        return normal(_root("lecun_normal", 1, fans[0]))(shape, fans, rng, dtype)


@dataclass(frozen=True)
class lecun_uniform:
    """The uniform distribution on (-a, a) with a = sqrt(3 / fan_in).

    References:
        LeCun et al., Efficient BackProp (1998), section 4.6.

    Examples:
        >>> w = lecun_uniform()((4, 3), Fans(3, 4), 0, "float64")
        >>> bool(abs(w).max() <= 1)
        True
    """

    def __call__(
        self, shape: Sequence[int], fans: Fans, rng: RngLike, dtype: npt.DTypeLike
    ) -> FloatArray:
        bound = _root("lecun_uniform", 3, fans[0])
        return uniform(-bound, bound)(shape, fans, rng, dtype)


def _root(function: str, numerator: float, fan: int) -> float:
    if fan < 1:
        raise ValueError(f"{function}: the layer's fan must be at least 1. Got fan={fan}.")
    return math.sqrt(numerator / fan)
