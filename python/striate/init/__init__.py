"""Initial weights.

An initializer is a function `init(shape, fans, rng, dtype) -> array`; the factories here make them,
and layers take them as `weight_init=` and `bias_init=`. `fans` is the layer's `fans()`, `rng` an
int, a `numpy.random.Generator` or a `Stream`.

Examples:
    >>> from striate import init
    >>> init.xavier_uniform(gain=init.gain("tanh"))
    xavier_uniform(gain=1.6666666666666667)
    >>> init.kaiming_normal()((8, 4), init.Fans(fan_in=4, fan_out=8), 0, "float32").shape
    (8, 4)
"""

from __future__ import annotations

from ._fans import Fans, Initializer, gain
from ._simple import constant, normal, ones, uniform, zeros
from ._stream import RngLike, Stream
from ._variance import (
    kaiming_normal,
    kaiming_uniform,
    lecun_normal,
    lecun_uniform,
    xavier_normal,
    xavier_uniform,
)

__all__ = [
    "Fans",
    "Initializer",
    "RngLike",
    "Stream",
    "constant",
    "gain",
    "kaiming_normal",
    "kaiming_uniform",
    "lecun_normal",
    "lecun_uniform",
    "normal",
    "ones",
    "uniform",
    "xavier_normal",
    "xavier_uniform",
    "zeros",
]
