"""What an initializer is, and what it is told of the layer."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple, Protocol

import numpy.typing as npt

from striate._typing import FloatArray

from ._stream import RngLike


class Fans(NamedTuple):
    """How many inputs feed one output of a layer, and how many outputs one input feeds.

    `groups`, 1 unless `conv_fans` says otherwise, is how many independent parts the layer has.
    """

    fan_in: int
    fan_out: int

    @property
    def groups(self) -> int:
        return 1


class _GroupedFans(Fans):
    """The fans of a layer of several groups: a pair like the others, with one thing more."""

    _groups: int

    def __repr__(self) -> str:
        return f"Fans(fan_in={self.fan_in}, fan_out={self.fan_out}, groups={self.groups})"

    @property
    def groups(self) -> int:
        return self._groups


def conv_fans(
    in_channels: int,
    out_channels: int,
    kernel_size: Sequence[int],
    *,
    stride: Sequence[int] | int = 1,
    groups: int = 1,
    transposed: bool = False,
) -> Fans:
    """Return the fans of a convolution.

    Formula, with K the elements of the kernel, s the product of the strides and g the groups::

        fan_in = in_channels / g * K        fan_out = out_channels / g * K
        fan_in = in_channels / g * K / s    for a transposed convolution

    Each output of a group sees, and each input reaches, that group's channels alone. An output of a
    transposed convolution is reached by each s-th element of the kernel only (on average, where the
    strides do not divide the kernel; rounded). The fan_out of a strided convolution is that of the
    field: it does not count the stride, although an input is seen by each s-th window only.

    Args:
        in_channels, out_channels: of the whole layer.
        kernel_size: along each spatial axis.
        stride: along each spatial axis, or one for all.
        groups: how many independent parts the layer has; a depthwise one has in_channels.
        transposed: whether it is a transposed convolution.

    References:
        He et al., Delving Deep into Rectifiers (2015), section 2.2.

    Examples:
        >>> conv_fans(64, 128, (3, 3))
        Fans(fan_in=576, fan_out=1152)
        >>> conv_fans(64, 64, (3, 3), groups=64)
        Fans(fan_in=9, fan_out=9, groups=64)
        >>> conv_fans(64, 32, (4, 4), stride=2, transposed=True)
        Fans(fan_in=256, fan_out=512)
    """
    strides = (stride,) * len(kernel_size) if isinstance(stride, int) else stride
    taps, skipped = math.prod(kernel_size), math.prod(strides)
    gathered, spread = in_channels // groups * taps, out_channels // groups * taps
    if transposed:
        gathered = max(1, round(gathered / skipped))
    if groups == 1:
        return Fans(gathered, spread)
    fans = _GroupedFans(gathered, spread)
    fans._groups = groups
    return fans


class Initializer(Protocol):
    """A function that makes a parameter's first values."""

    def __call__(
        self, shape: Sequence[int], fans: Fans, rng: RngLike, dtype: npt.DTypeLike, /
    ) -> FloatArray: ...
