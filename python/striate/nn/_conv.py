"""Convolution layers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, ClassVar, Generic, TypeVar, cast

import numpy.typing as npt

from striate import ops
from striate._typing import (
    Activation,
    FloatArray,
    IntOrPair,
    IntOrSingle,
    IntOrTriple,
    Padding,
    Padding1d,
    Padding3d,
)
from striate.init import Fans, Initializer, RngLike, conv_fans
from striate.ops.packed import packed_conv

from ._affine import check_counts, kernel_sizes, weight_and_bias
from ._module import Module
from ._prepack import Packed

_Size = TypeVar("_Size")
_Pad = TypeVar("_Pad")


class Conv(Module, Generic[_Size, _Pad]):
    """A convolution along any number of axes; the subclasses say how many."""

    _rank: ClassVar[int]

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: _Size,
        stride: _Size | int = 1,
        padding: _Pad | int = 0,
        dilation: _Size | int = 1,
        groups: int = 1,
        bias: bool = True,
        *,
        activation: Activation = None,
        weight_init: Initializer | None = None,
        bias_init: Initializer | None = None,
        rng: RngLike | None = None,
        dtype: npt.DTypeLike = "float32",
    ) -> None:
        name = type(self).__name__
        check_counts(name, in_channels=in_channels, out_channels=out_channels, groups=groups)
        if in_channels % groups or out_channels % groups:
            raise ValueError(
                f"{name}: groups must divide in_channels and out_channels. "
                f"Got groups={groups}, in_channels={in_channels}, out_channels={out_channels}."
            )
        self.in_channels = in_channels
        self.out_channels = out_channels
        self.kernel_size = kernel_sizes(name, kernel_size, self._rank)
        self.stride = stride
        self.padding = padding
        self.dilation = dilation
        self.groups = groups
        self.activation = activation
        self.packed: Packed | None = None  # see nn.prepack
        self.weight, self.bias = weight_and_bias(
            (out_channels, in_channels // groups, *self.kernel_size),
            self.fans(),
            out_channels,
            bias=bias,
            activation=activation,
            weight_init=weight_init,
            bias_init=bias_init,
            rng=rng,
            dtype=dtype,
        )

    def forward(self, x: FloatArray) -> FloatArray:
        if self.packed is None:
            return self._convolve(x, self.weight.data)
        geometry = self._geometry()
        w = self.packed.of(self.weight, x.shape, **geometry)
        return packed_conv(x, w, self._bias(), **geometry, activation=self.activation)

    def vjp(self, x: FloatArray) -> tuple[FloatArray, Callable[..., Any]]:
        geometry = self._geometry()
        weight, bias, w = self.weight, self.bias, self.weight.data
        y = self._convolve(x, w)
        # The ReLU's gradient reads its output, so that no mask is stored.
        rectified = None if self.activation is None else y

        def pullback(dy: FloatArray, *, input_grad: bool = True) -> FloatArray | None:
            if weight.needs_grad:
                weight.add_grad(
                    self._op("_weight_grad")(dy, x, weight.shape, **geometry, y=rectified)
                )
            if bias is not None and bias.needs_grad:
                bias.add_grad(ops.bias_grad(dy, y=rectified))
            if not input_grad:
                return None
            dx: FloatArray = self._op("_input_grad")(dy, w, x.shape, **geometry, y=rectified)
            return dx

        return y, pullback

    def _convolve(self, x: FloatArray, w: FloatArray) -> FloatArray:
        y: FloatArray = self._op("")(
            x, w, self._bias(), **self._geometry(), activation=self.activation
        )
        return y

    def _bias(self) -> FloatArray | None:
        return None if self.bias is None else self.bias.data

    def fans(self) -> Fans:
        return conv_fans(
            self.in_channels,
            self.out_channels,
            self.kernel_size,
            stride=cast("Sequence[int] | int", self.stride),
            groups=self.groups,
        )

    def _op(self, suffix: str) -> Callable[..., Any]:
        op: Callable[..., Any] = getattr(ops, f"conv{self._rank}d{suffix}")
        return op

    def _geometry(self) -> dict[str, Any]:
        return {
            "stride": self.stride,
            "padding": self.padding,
            "dilation": self.dilation,
            "groups": self.groups,
        }

    def extra_repr(self) -> str:
        return (
            f"{self.in_channels}, {self.out_channels}, {self.kernel_size}, stride={self.stride}, "
            f"padding={self.padding}, dilation={self.dilation}, groups={self.groups}, "
            f"bias={self.bias is not None}, activation={self.activation!r}"
        )


class Conv1d(Conv[IntOrSingle, Padding1d]):
    """A 1-d convolution with bias, optionally followed by a ReLU in the same sweep.

    Shapes: x (N, in_channels, L), weight (out_channels, in_channels / groups, K), bias
    (out_channels,), y (N, out_channels, L_out); see `striate.ops.conv1d`.

    Args:
        in_channels, out_channels: channels of x and y; `groups` divides both.
        kernel_size, stride, dilation: an int or (l,).
        padding: as for `Conv2d`, for one axis.
        groups, bias, activation, weight_init, bias_init, rng, dtype: as for `Conv2d`.

    Raises:
        ValueError: if a count is not positive or `groups` does not divide the channels.

    Examples:
        >>> import numpy as np
        >>> from striate import nn
        >>> conv = nn.Conv1d(64, 128, 2, dilation=16)
        >>> conv(np.zeros((1, 64, 4000), np.float32)).shape
        (1, 128, 3984)
        >>> conv.fans()
        Fans(fan_in=128, fan_out=256)
    """

    _rank = 1


class Conv2d(Conv[IntOrPair, Padding]):
    """A 2-d convolution with bias, optionally followed by a ReLU in the same sweep.

    Shapes: x (N, in_channels, H, W), weight (out_channels, in_channels / groups, K_h, K_w), bias
    (out_channels,), y (N, out_channels, H_out, W_out); see `striate.ops.conv2d`.

    Args:
        in_channels, out_channels: channels of x and y; `groups` divides both.
        kernel_size, stride, dilation: an int or (h, w).
        padding: an int, (h, w), ((top, bottom), (left, right)), "same" or "valid".
        groups: group g of the outputs sees group g of the inputs only.
        bias: whether there is one.
        activation: None or "relu".
        weight_init: Kaiming normal before a ReLU, else Xavier normal, by default.
        bias_init: zeros by default.
        rng: see `Module` on seeds.
        dtype: of the parameters.

    Raises:
        ValueError: if a count is not positive or `groups` does not divide the channels.

    Examples:
        >>> import numpy as np
        >>> from striate import nn
        >>> conv = nn.Conv2d(3, 64, 11, stride=4, padding=2, activation="relu")
        >>> conv(np.zeros((1, 3, 224, 224), np.float32)).shape
        (1, 64, 55, 55)
        >>> conv.fans()
        Fans(fan_in=363, fan_out=7744)
    """

    _rank = 2


class Conv3d(Conv[IntOrTriple, Padding3d]):
    """A 3-d convolution with bias, optionally followed by a ReLU in the same sweep.

    Shapes: x (N, in_channels, D, H, W), weight (out_channels, in_channels / groups, K_d, K_h, K_w),
    bias (out_channels,), y (N, out_channels, D_out, H_out, W_out); see `striate.ops.conv3d`.

    Args:
        in_channels, out_channels: channels of x and y; `groups` divides both.
        kernel_size, stride, dilation: an int or (d, h, w).
        padding: as for `Conv2d`, for three axes.
        groups, bias, activation, weight_init, bias_init, rng, dtype: as for `Conv2d`.

    Raises:
        ValueError: if a count is not positive or `groups` does not divide the channels.

    Examples:
        >>> import numpy as np
        >>> from striate import nn
        >>> conv = nn.Conv3d(3, 64, 3, padding=1, activation="relu")
        >>> conv(np.zeros((1, 3, 4, 28, 28), np.float32)).shape
        (1, 64, 4, 28, 28)
        >>> conv.fans()
        Fans(fan_in=81, fan_out=1728)
    """

    _rank = 3
