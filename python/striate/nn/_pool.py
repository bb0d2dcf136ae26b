"""Pooling layers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypedDict

from striate import ops
from striate._typing import FloatArray, IntOrPair, Padding

from ._module import Module


class _Geometry(TypedDict):
    stride: IntOrPair | None
    padding: Padding
    dilation: IntOrPair
    ceil_mode: bool


class _Averaging(TypedDict):
    stride: IntOrPair | None
    padding: Padding
    ceil_mode: bool
    count_include_pad: bool


class MaxPool2d(Module):
    """The maximum of each window; see `striate.ops.max_pool2d`.

    Shapes: x (N, C, H, W), y (N, C, H_out, W_out).

    Args:
        kernel_size, stride, dilation: an int or (h, w); the stride is by default the kernel size,
            and windows overlap if it is smaller.
        padding: as for `Conv2d`; it counts as -inf.
        ceil_mode: whether a last window that overhangs counts.

    Examples:
        >>> import numpy as np
        >>> from striate import nn
        >>> nn.MaxPool2d(3, stride=2)(np.zeros((1, 64, 55, 55), np.float32)).shape
        (1, 64, 27, 27)
    """

    def __init__(
        self,
        kernel_size: IntOrPair,
        stride: IntOrPair | None = None,
        padding: Padding = 0,
        dilation: IntOrPair = 1,
        *,
        ceil_mode: bool = False,
    ) -> None:
        self.kernel_size = kernel_size
        self.stride = stride
        self.padding = padding
        self.dilation = dilation
        self.ceil_mode = ceil_mode

    def forward(self, x: FloatArray) -> FloatArray:
        return ops.max_pool2d(x, self.kernel_size, **self._geometry())

    def vjp(self, x: FloatArray) -> tuple[FloatArray, Callable[..., Any]]:
        x_shape = x.shape
        y, indices = ops.max_pool2d_with_indices(x, self.kernel_size, **self._geometry())
        return y, lambda dy: ops.max_pool2d_grad(dy, indices, x_shape)

    def _geometry(self) -> _Geometry:
        return {
            "stride": self.stride,
            "padding": self.padding,
            "dilation": self.dilation,
            "ceil_mode": self.ceil_mode,
        }

    def extra_repr(self) -> str:
        return (
            f"{self.kernel_size}, stride={self.stride}, padding={self.padding}, "
            f"dilation={self.dilation}, ceil_mode={self.ceil_mode}"
        )


class AvgPool2d(Module):
    """The mean of each window; see `striate.ops.avg_pool2d`.

    Shapes: x (N, C, H, W), y (N, C, H_out, W_out).

    Args:
        kernel_size, stride: as for `MaxPool2d`.
        padding: as for `Conv2d`; it counts as 0.
        ceil_mode: whether a last window that overhangs counts.
        count_include_pad: whether the padding counts in the divisor.

    Examples:
        >>> import numpy as np
        >>> from striate import nn
        >>> nn.AvgPool2d(2)(np.ones((1, 6, 28, 28), np.float32)).shape
        (1, 6, 14, 14)
    """

    def __init__(
        self,
        kernel_size: IntOrPair,
        stride: IntOrPair | None = None,
        padding: Padding = 0,
        ceil_mode: bool = False,
        count_include_pad: bool = True,
    ) -> None:
        self.kernel_size = kernel_size
        self.stride = stride
        self.padding = padding
        self.ceil_mode = ceil_mode
        self.count_include_pad = count_include_pad

    def forward(self, x: FloatArray) -> FloatArray:
        return ops.avg_pool2d(x, self.kernel_size, **self._geometry())

    def vjp(self, x: FloatArray) -> tuple[FloatArray, Callable[..., Any]]:
        x_shape, kernel_size, geometry = x.shape, self.kernel_size, self._geometry()
        y = ops.avg_pool2d(x, kernel_size, **geometry)
        return y, lambda dy: ops.avg_pool2d_grad(dy, x_shape, kernel_size, **geometry)

    def _geometry(self) -> _Averaging:
        return {
            "stride": self.stride,
            "padding": self.padding,
            "ceil_mode": self.ceil_mode,
            "count_include_pad": self.count_include_pad,
        }

    def extra_repr(self) -> str:
        return (
            f"{self.kernel_size}, stride={self.stride}, padding={self.padding}, "
            f"ceil_mode={self.ceil_mode}, count_include_pad={self.count_include_pad}"
        )


class AdaptiveAvgPool2d(Module):
    """The means of output_size windows of nearly one size.

    Shapes: x (N, C, H, W), y (N, C, H_out, W_out); see `striate.ops.adaptive_avg_pool2d`.

    Args:
        output_size: (H_out, W_out), or one int for both.

    Examples:
        >>> import numpy as np
        >>> from striate import nn
        >>> nn.AdaptiveAvgPool2d(6)(np.ones((1, 256, 13, 13), np.float32)).shape
        (1, 256, 6, 6)
    """

    def __init__(self, output_size: IntOrPair) -> None:
        self.output_size = output_size

    def forward(self, x: FloatArray) -> FloatArray:
        return ops.adaptive_avg_pool2d(x, self.output_size)

    def vjp(self, x: FloatArray) -> tuple[FloatArray, Callable[..., Any]]:
        x_shape, output_size = x.shape, self.output_size
        y = ops.adaptive_avg_pool2d(x, output_size)
        return y, lambda dy: ops.adaptive_avg_pool2d_grad(dy, x_shape, output_size)

    def extra_repr(self) -> str:
        return f"{self.output_size}"


class GlobalAvgPool2d(AdaptiveAvgPool2d):
    """The mean of each plane.

    Shapes: x (N, C, H, W), y (N, C, 1, 1).

    References:
        Lin, Chen and Yan, Network In Network (2014), section 3.2.

    Examples:
        >>> import numpy as np
        >>> from striate import nn
        >>> nn.GlobalAvgPool2d()(np.ones((1, 512, 7, 7), np.float32)).shape
        (1, 512, 1, 1)
    """

    def __init__(self) -> None:
        super().__init__(1)

    def extra_repr(self) -> str:
        return ""
