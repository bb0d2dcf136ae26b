"""Convolution layers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

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
from striate.init import Initializer, RngLike
from striate.ops.packed import packed_conv

from ._conv_base import ConvBase, Pad, Size
from ._prepack import Packed


class Conv(ConvBase[Size, Pad]):
    """A convolution along any number of axes; the subclasses say how many."""

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Size,
        stride: Size | int = 1,
        padding: Pad | int = 0,
        dilation: Size | int = 1,
        groups: int = 1,
        bias: bool = True,
        *,
        activation: Activation = None,
        weight_init: Initializer | None = None,
        bias_init: Initializer | None = None,
        rng: RngLike | None = None,
        dtype: npt.DTypeLike = "float32",
    ) -> None:
        self._set_up(
            in_channels,
            out_channels,
            kernel_size,
            stride=stride,
            padding=padding,
            dilation=dilation,
            groups=groups,
            bias=bias,
            activation=activation,
            weight_init=weight_init,
            bias_init=bias_init,
            rng=rng,
            dtype=dtype,
        )
        self.packed: Packed | None = None  # see nn.prepack

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
