"""What layers with a weight and a bias share."""

from __future__ import annotations

from collections.abc import Sequence
from numbers import Integral
from typing import Any

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


_AXES = {1: ("length",), 2: ("height", "width"), 3: ("depth", "height", "width")}


def kernel_sizes(layer: str, kernel_size: object, rank: int) -> tuple[int, ...]:
    """One kernel size for each axis, where one int stands for all; positive, or an error."""
    sizes: tuple[Any, ...] = (
        kernel_size if isinstance(kernel_size, tuple) else (kernel_size,) * rank
    )
    if len(sizes) != rank:
        letters = ", ".join(axis[0] for axis in _AXES[rank]) + ("," if rank == 1 else "")
        raise ValueError(f"{layer}: kernel_size must be an int or ({letters}). Got {kernel_size}.")
    check_counts(layer, **{f"kernel_{axis}": n for axis, n in zip(_AXES[rank], sizes, strict=True)})
    return sizes
