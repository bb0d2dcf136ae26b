"""What layers with a weight and a bias share."""

from __future__ import annotations

from collections.abc import Sequence
from numbers import Integral

import numpy.typing as npt

from striate import init
from striate._typing import Activation
from striate.init import Fans, Initializer, RngLike, Stream

from ._parameter import Parameter


def weight_and_bias(
    shape: Sequence[int],
    fans: Fans,
    outputs: int,
    *,
    bias: bool,
    activation: Activation,
    weight_init: Initializer | None,
    bias_init: Initializer | None,
    rng: RngLike | None,
    dtype: npt.DTypeLike,
) -> tuple[Parameter, Parameter | None]:
    """Make a layer's parameters, by default Kaiming before a ReLU, else Xavier, and zeros."""
    if weight_init is None:
        weight_init = init.xavier_normal() if activation is None else init.kaiming_normal()
    # One stream for both: a Generator gives each layer one seed.
    stream = None if rng is None else Stream.of(rng)
    weight = Parameter.from_init(weight_init, shape, fans, rng=stream, dtype=dtype)
    if not bias:
        return weight, None
    bias_init = bias_init or init.zeros()
    return weight, Parameter.from_init(
        bias_init, (outputs,), fans, rng=stream, dtype=dtype, decay=False
    )


def check_counts(layer: str, **counts: object) -> None:
    """Raise unless every argument is a positive int."""
    for name, count in counts.items():
        if not isinstance(count, Integral) or isinstance(count, bool) or int(count) < 1:
            raise ValueError(f"{layer}: {name} must be a positive int. Got {name}={count!r}.")
