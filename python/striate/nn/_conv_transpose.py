"""Transposed convolution layers."""

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

from ._conv_base import ConvBase, Pad, Size
from ._summary import multiply_add_flops


class _ConvTranspose(ConvBase[Size, Pad]):
    """A transposed convolution along any number of axes; the subclasses say how many."""

    _transposed = True

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Size,
        stride: Size | int = 1,
        padding: Pad | int = 0,
        output_padding: Size | int = 0,
        groups: int = 1,
        bias: bool = True,
        dilation: Size | int = 1,
        *,
        activation: Activation = None,
        weight_init: Initializer | None = None,
        bias_init: Initializer | None = None,
        rng: RngLike | None = None,
        dtype: npt.DTypeLike = "float32",
    ) -> None:
        self.output_padding = output_padding
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

    def forward(self, x: FloatArray) -> FloatArray:
        y: FloatArray = self._op("")(x, self.weight.data, self._bias(), **self._geometry())
        return y if self.activation is None else ops.relu(y)

    def vjp(self, x: FloatArray) -> tuple[FloatArray, Callable[..., Any]]:
        geometry = self._geometry()
        weight, bias, w = self.weight, self.bias, self.weight.data
        y = self.forward(x)
        rectified = None if self.activation is None else y

        def pullback(dy: FloatArray, *, input_grad: bool = True) -> FloatArray | None:
            if rectified is not None:
                dy = ops.relu_grad(dy, rectified)
            if weight.needs_grad:
                weight.add_grad(self._op("_weight_grad")(dy, x, weight.shape, **geometry))
            if bias is not None and bias.needs_grad:
                bias.add_grad(ops.bias_grad(dy))
            if not input_grad:
                return None
            dx: FloatArray = self._op("_input_grad")(dy, w, x.shape, **geometry)
            return dx

        return y, pullback

    def flops(self, x_shape: tuple[int, ...], y_shape: tuple[int, ...]) -> int:
        # Counted from the inputs, as the average fan_in is rounded.
        return multiply_add_flops(self.fans().fan_out, x_shape)

    def _geometry(self) -> dict[str, Any]:
        return {**super()._geometry(), "output_padding": self.output_padding}


class ConvTranspose1d(_ConvTranspose[IntOrSingle, Padding1d]):
    """A transposed 1-d convolution with bias: it makes its input larger by the stride.

    Shapes: x (N, in_channels, L), weight (in_channels, out_channels / groups, K), bias
    (out_channels,), y (N, out_channels, L_out); see `striate.ops.conv_transpose1d`.

    Args:
        in_channels, out_channels: channels of x and y; `groups` divides both.
        kernel_size, stride, dilation: an int or (l,).
        padding, output_padding: as for `ConvTranspose2d`, for one axis.
        groups, bias, activation, weight_init, bias_init, rng, dtype: as for `ConvTranspose2d`.

    Raises:
        ValueError: if a count is not positive or `groups` does not divide the channels.

    Examples:
        >>> import numpy as np
        >>> from striate import nn
        >>> up = nn.ConvTranspose1d(512, 256, 16, stride=8, padding=4)
        >>> up(np.zeros((1, 512, 32), np.float32)).shape
        (1, 256, 256)
    """

    _rank = 1


class ConvTranspose2d(_ConvTranspose[IntOrPair, Padding]):
    """A transposed 2-d convolution with bias: it makes its input larger by the stride.

    Shapes: x (N, in_channels, H, W), weight (in_channels, out_channels / groups, K_h, K_w), bias
    (out_channels,), y (N, out_channels, H_out, W_out); see `striate.ops.conv_transpose2d`.

    An output meets in_channels / groups times K_h K_w / (s_h s_w) weights on average, s being the
    stride: that is fan_in, rounded. fan_out is out_channels / groups times K_h K_w.

    Args:
        in_channels, out_channels: channels of x and y; `groups` divides both.
        kernel_size, stride, dilation: an int or (h, w).
        padding: takes pixels away from the output; otherwise as for `Conv2d`.
        output_padding: adds pixels at its end; less than the stride or the dilation.
        groups: group g of the inputs goes to group g of the outputs only.
        bias: whether there is one.
        activation: None or "relu", a sweep of its own.
        weight_init, bias_init, rng, dtype: as for `Conv2d`.

    Raises:
        ValueError: if a count is not positive or `groups` does not divide the channels.

    References:
        Zeiler, Krishnan, Taylor and Fergus, Deconvolutional Networks (2010).

    Examples:
        >>> import numpy as np
        >>> from striate import nn
        >>> up = nn.ConvTranspose2d(128, 64, 4, stride=2, padding=1)
        >>> up(np.zeros((1, 128, 16, 16), np.float32)).shape
        (1, 64, 32, 32)
        >>> up.fans()
        Fans(fan_in=512, fan_out=1024)
    """

    _rank = 2


class ConvTranspose3d(_ConvTranspose[IntOrTriple, Padding3d]):
    """A transposed 3-d convolution with bias: it makes its input larger by the stride.

    Shapes: x (N, in_channels, D, H, W), weight (in_channels, out_channels / groups, K_d, K_h, K_w),
    bias (out_channels,), y (N, out_channels, D_out, H_out, W_out); see
    `striate.ops.conv_transpose3d`.

    Args:
        in_channels, out_channels: channels of x and y; `groups` divides both.
        kernel_size, stride, dilation: an int or (d, h, w).
        padding, output_padding: as for `ConvTranspose2d`, for three axes.
        groups, bias, activation, weight_init, bias_init, rng, dtype: as for `ConvTranspose2d`.

    Raises:
        ValueError: if a count is not positive or `groups` does not divide the channels.

    Examples:
        >>> import numpy as np
        >>> from striate import nn
        >>> up = nn.ConvTranspose3d(64, 32, 2, stride=2)
        >>> up(np.zeros((1, 64, 4, 8, 8), np.float32)).shape
        (1, 32, 8, 16, 16)
    """

    _rank = 3
