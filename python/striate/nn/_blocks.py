"""Small nets that networks are built of."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy.typing as npt

from striate import ops
from striate._typing import Activation, FloatArray, IntOrPair, Padding
from striate.init import Initializer, RngLike, Stream

from ._activation import Sigmoid
from ._affine import check_counts
from ._conv import Conv2d
from ._linear import Linear
from ._module import Module
from ._sequential import Sequential


class DepthwiseSeparableConv2d(Sequential):
    """A convolution of each channel alone (`depthwise`), then a 1x1 one over all (`pointwise`).

    Shapes: x (N, in_channels, H, W), y (N, out_channels, H_out, W_out).

    Args:
        in_channels, out_channels: channels of x and y.
        kernel_size, stride, padding, dilation: of the depthwise convolution.
        bias: whether both convolutions have one.
        depth_multiplier: outputs of the depthwise convolution for each channel.
        activation: None or "relu", after the pointwise convolution.
        depthwise_activation: the same after the depthwise one.
        weight_init, bias_init, rng, dtype: see `Conv2d`.

    Raises:
        ValueError: if a count is not positive.

    References:
        Howard et al., MobileNets: Efficient Convolutional Neural Networks for Mobile Vision
        Applications (2017), section 3.1; there a batch norm and a ReLU follow each.

    Examples:
        >>> import numpy as np
        >>> from striate import nn
        >>> net = nn.DepthwiseSeparableConv2d(8, 16, 3, padding=1, rng=0)
        >>> net(np.ones((2, 8, 5, 5), np.float32)).shape
        (2, 16, 5, 5)
        >>> list(net.state_dict())
        ['depthwise.weight', 'depthwise.bias', 'pointwise.weight', 'pointwise.bias']
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: IntOrPair,
        stride: IntOrPair = 1,
        padding: Padding = 0,
        dilation: IntOrPair = 1,
        bias: bool = True,
        *,
        depth_multiplier: int = 1,
        activation: Activation = None,
        depthwise_activation: Activation = None,
        weight_init: Initializer | None = None,
        bias_init: Initializer | None = None,
        rng: RngLike | None = None,
        dtype: npt.DTypeLike = "float32",
    ) -> None:
        check_counts(
            "DepthwiseSeparableConv2d",
            in_channels=in_channels,
            out_channels=out_channels,
            depth_multiplier=depth_multiplier,
        )
        middle = in_channels * depth_multiplier
        # Two streams of one seed are told apart by the layers' paths.
        stream = None if rng is None else Stream.of(rng)
        depthwise = Conv2d(
            in_channels,
            middle,
            kernel_size,
            stride,
            padding,
            dilation,
            in_channels,
            bias,
            activation=depthwise_activation,
            weight_init=weight_init,
            bias_init=bias_init,
            rng=stream,
            dtype=dtype,
        )
        pointwise = Conv2d(
            middle,
            out_channels,
            1,
            bias=bias,
            activation=activation,
            weight_init=weight_init,
            bias_init=bias_init,
            rng=stream,
            dtype=dtype,
        )
        super().__init__({"depthwise": depthwise, "pointwise": pointwise})


class SqueezeExcite(Module):
    """Each channel times a number in (0, 1) that the means of all channels decide.

    Shapes: x and y (N, channels, H, W). The means go through two linear layers (`fc1` with a ReLU,
    `fc2`) and the `gate`.

    Args:
        channels: of x.
        squeezed: outputs of `fc1`; channels / 16, but at least 1, by default.
        gate: the activation after `fc2`; a sigmoid by default.
        weight_init, bias_init, rng, dtype: see `Linear`.

    Raises:
        ValueError: if a count is not positive; when called, if x has another number of channels.

    References:
        Hu, Shen and Sun, Squeeze-and-Excitation Networks (2018), section 3.

    Examples:
        >>> import numpy as np
        >>> from striate import nn
        >>> net = nn.SqueezeExcite(32, 8, rng=0)
        >>> net(np.ones((2, 32, 5, 5), np.float32)).shape
        (2, 32, 5, 5)
        >>> list(net.state_dict())
        ['fc1.weight', 'fc1.bias', 'fc2.weight', 'fc2.bias']
    """

    def __init__(
        self,
        channels: int,
        squeezed: int | None = None,
        gate: Module | None = None,
        *,
        weight_init: Initializer | None = None,
        bias_init: Initializer | None = None,
        rng: RngLike | None = None,
        dtype: npt.DTypeLike = "float32",
    ) -> None:
        check_counts("SqueezeExcite", channels=channels)
        inner = max(channels // 16, 1) if squeezed is None else squeezed
        check_counts("SqueezeExcite", squeezed=inner)
        self.channels = channels
        stream = None if rng is None else Stream.of(rng)
        self.fc1 = Linear(
            channels,
            inner,
            activation="relu",
            weight_init=weight_init,
            bias_init=bias_init,
            rng=stream,
            dtype=dtype,
        )
        self.fc2 = Linear(
            inner,
            channels,
            weight_init=weight_init,
            bias_init=bias_init,
            rng=stream,
            dtype=dtype,
        )
        self.gate = Sigmoid() if gate is None else gate

    def forward(self, x: FloatArray) -> FloatArray:
        return ops.scale_channels(x, self.gate(self.fc2(self.fc1(self._means(x)))))

    def vjp(self, x: FloatArray, *, train: bool = True) -> tuple[FloatArray, Callable[..., Any]]:
        value, steps = self._means(x), []
        for layer in (self.fc1, self.fc2, self.gate):
            value, step = layer.vjp(value, train=train)
            steps.append(step)
        scale = value

        def pullback(dy: FloatArray, *, input_grad: bool = True) -> FloatArray | None:
            dx, gradient = ops.scale_channels_grad(dy, x, scale)
            while steps:
                step = steps.pop()
                gradient = step(gradient, input_grad=bool(steps) or input_grad)
            if not input_grad:
                return None
            means = gradient.reshape(*gradient.shape, 1, 1)
            return ops.add(dx, ops.adaptive_avg_pool2d_grad(means, x.shape, 1))

        return ops.scale_channels(x, scale), pullback

    def _means(self, x: FloatArray) -> FloatArray:
        if x.ndim != 4 or x.shape[1] != self.channels:
            raise ValueError(
                f"SqueezeExcite: x must have shape (N, {self.channels}, H, W). Got shape {x.shape}."
            )
        return ops.adaptive_avg_pool2d(x, 1).reshape(x.shape[:2])

    def extra_repr(self) -> str:
        return f"{self.channels}"
