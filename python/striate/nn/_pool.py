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
