"""By how much weights must grow so that a nonlinearity keeps the variance."""

from __future__ import annotations

import math
from collections.abc import Callable

_GAINS: dict[str, Callable[[float], float]] = {
    "linear": lambda slope: 1.0,
    "sigmoid": lambda slope: 1.0,
    "tanh": lambda slope: 5 / 3,
    "relu": lambda slope: math.sqrt(2.0),
    "leaky_relu": lambda slope: math.sqrt(2.0 / (1.0 + slope**2)),
    "prelu": lambda slope: math.sqrt(2.0 / (1.0 + slope**2)),
    "selu": lambda slope: 0.75,
    # 1 / sqrt(E[f(z)^2]) for a standard normal z, by numerical integration.
    "elu": lambda slope: 1.2451983,
    "gelu": lambda slope: 1.5335304,
    "silu": lambda slope: 1.6765325,
    "softplus": lambda slope: 1.0418669,
    "hardswish": lambda slope: 1.7366572,
    "softmax": lambda slope: 1.0,
}


def gain(nonlinearity: str, slope: float = 0.01) -> float:
    """Return the factor by which weights must grow so that a nonlinearity keeps the variance.

    Formula: `1 / sqrt(E[f(z)**2])` for a standard normal z: the next layer then sees a mean square
    of 1. For "sigmoid", "softmax", "tanh" and "selu" it is PyTorch's rule of thumb instead: no
    factor for what saturates, and for tanh one against its shrinking around 0 (5/3), for selu 3/4.

    Args:
        nonlinearity: "linear", "relu" (sqrt 2), "leaky_relu" or "prelu" (sqrt(2 / (1 + slope**2))),
            "elu", "selu", "gelu", "silu", "hardswish", "softplus", "sigmoid", "tanh", "softmax".
        slope: the negative slope of "leaky_relu" and "prelu".

    Raises:
        ValueError: for another nonlinearity.

    References:
        He et al., Delving Deep into Rectifiers (2015), section 2.2.

    Examples:
        >>> round(gain("relu") ** 2, 6)
        2.0
    """
    if nonlinearity not in _GAINS:
        raise ValueError(
            f"gain: nonlinearity must be one of {', '.join(_GAINS)}. "
            f"Got nonlinearity={nonlinearity!r}."
        )
    return _GAINS[nonlinearity](slope)
