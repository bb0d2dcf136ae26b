"""Convolution layers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypedDict

import numpy.typing as npt

from striate import ops
from striate._typing import Activation, FloatArray, IntOrPair, Padding
from striate.init import Fans, Initializer, RngLike

from ._affine import check_counts, weight_and_bias
from ._module import Module


class _Geometry(TypedDict):
    stride: IntOrPair
    padding: Padding
    dilation: IntOrPair
    groups: int


class Conv2d(Module):
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

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: IntOrPair,
        stride: IntOrPair = 1,
        padding: Padding = 0,
        dilation: IntOrPair = 1,
        groups: int = 1,
        bias: bool = True,
        *,
        activation: Activation = None,
        weight_init: Initializer | None = None,
        bias_init: Initializer | None = None,
        rng: RngLike | None = None,
        dtype: npt.DTypeLike = "float32",
    ) -> None:
        kernel = kernel_size if isinstance(kernel_size, tuple) else (kernel_size, kernel_size)
        if len(kernel) != 2:
            raise ValueError(f"Conv2d: kernel_size must be an int or (h, w). Got {kernel_size}.")
        check_counts(
            "Conv2d",
            in_channels=in_channels,
            out_channels=out_channels,
            groups=groups,
            kernel_height=kernel[0],
            kernel_width=kernel[1],
        )
        if in_channels % groups or out_channels % groups:
            raise ValueError(
                "Conv2d: groups must divide in_channels and out_channels. "
                f"Got groups={groups}, in_channels={in_channels}, out_channels={out_channels}."
            )
        self.in_channels = in_channels
        self.out_channels = out_channels
        self.kernel_size = kernel
        self.stride = stride
        self.padding = padding
        self.dilation = dilation
        self.groups = groups
        self.activation = activation
        self.weight, self.bias = weight_and_bias(
            (out_channels, in_channels // groups, *kernel),
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
        b = None if self.bias is None else self.bias.data
        return ops.conv2d(x, self.weight.data, b, **self._geometry(), activation=self.activation)

    def vjp(self, x: FloatArray) -> tuple[FloatArray, Callable[..., Any]]:
        geometry = self._geometry()
        weight, bias, w = self.weight, self.bias, self.weight.data
        y = self.forward(x)
        # The ReLU's gradient reads its output, so that no mask is stored.
        rectified = None if self.activation is None else y

        def pullback(dy: FloatArray, *, input_grad: bool = True) -> FloatArray | None:
            if weight.needs_grad:
                weight.add_grad(
                    ops.conv2d_weight_grad(dy, x, weight.shape, **geometry, y=rectified)
                )
            if bias is not None and bias.needs_grad:
                bias.add_grad(ops.bias_grad(dy, y=rectified))
            if not input_grad:
                return None
            return ops.conv2d_input_grad(dy, w, x.shape, **geometry, y=rectified)

        return y, pullback

    def fans(self) -> Fans:
        # An output reads, and an input reaches, only the channels of its own group: with all of
        # out_channels in fan_out, grouped layers would start with gradients too small.
        taps = self.kernel_size[0] * self.kernel_size[1]
        return Fans(self.in_channels // self.groups * taps, self.out_channels // self.groups * taps)

    def _geometry(self) -> _Geometry:
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
