"""What convolutions and transposed convolutions have in common."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, ClassVar, Generic, TypeVar, cast

import numpy.typing as npt

from striate import ops
from striate._typing import Activation, FloatArray
from striate.init import Fans, Initializer, RngLike, conv_fans

from ._affine import check_counts, kernel_sizes, weight_and_bias
from ._module import Module

Size = TypeVar("Size")
Pad = TypeVar("Pad")


class ConvBase(Module, Generic[Size, Pad]):
    """Channels, kernel, geometry and parameters; a subclass says along how many axes."""

    _rank: ClassVar[int]
    _transposed: ClassVar[bool] = False

    def _set_up(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Size,
        *,
        stride: Size | int,
        padding: Pad | int,
        dilation: Size | int,
        groups: int,
        bias: bool,
        activation: Activation,
        weight_init: Initializer | None,
        bias_init: Initializer | None,
        rng: RngLike | None,
        dtype: npt.DTypeLike,
    ) -> None:
        name = type(self).__name__
        check_counts(name, in_channels=in_channels, out_channels=out_channels, groups=groups)
        if in_channels % groups or out_channels % groups:
            raise ValueError(
                f"{name}: groups must divide in_channels and out_channels. "
                f"Got groups={groups}, in_channels={in_channels}, out_channels={out_channels}."
            )
        if activation not in (None, "relu"):
            raise ValueError(
                f"{name}: activation must be None or 'relu'. Got activation={activation!r}."
            )
        self.in_channels = in_channels
        self.out_channels = out_channels
        self.kernel_size = kernel_sizes(name, kernel_size, self._rank)
        self.stride = stride
        self.padding = padding
        self.dilation = dilation
        self.groups = groups
        self.activation = activation
        rows, columns = in_channels, out_channels
        if not self._transposed:
            rows, columns = columns, rows
        self.weight, self.bias = weight_and_bias(
            (rows, columns // groups, *self.kernel_size),
            self.fans(),
            out_channels,
            bias=bias,
            activation=activation,
            weight_init=weight_init,
            bias_init=bias_init,
            rng=rng,
            dtype=dtype,
        )

    def fans(self) -> Fans:
        return conv_fans(
            self.in_channels,
            self.out_channels,
            self.kernel_size,
            stride=cast("Sequence[int] | int", self.stride),
            groups=self.groups,
            transposed=self._transposed,
        )

    def _bias(self) -> FloatArray | None:
        return None if self.bias is None else self.bias.data

    def _op(self, suffix: str) -> Callable[..., Any]:
        family = "conv_transpose" if self._transposed else "conv"
        op: Callable[..., Any] = getattr(ops, f"{family}{self._rank}d{suffix}")
        return op

    def _geometry(self) -> dict[str, Any]:
        return {
            "stride": self.stride,
            "padding": self.padding,
            "dilation": self.dilation,
            "groups": self.groups,
        }

    def extra_repr(self) -> str:
        geometry = ", ".join(f"{key}={value}" for key, value in self._geometry().items())
        return (
            f"{self.in_channels}, {self.out_channels}, {self.kernel_size}, {geometry}, "
            f"bias={self.bias is not None}, activation={self.activation!r}"
        )
