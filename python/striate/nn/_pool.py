"""Pooling layers whose windows slide."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar, Generic, TypeVar

from striate import ops
from striate._typing import (
    FloatArray,
    IntOrPair,
    IntOrSingle,
    IntOrTriple,
    Padding,
    Padding1d,
    Padding3d,
)

from ._module import Module

_Size = TypeVar("_Size")
_Pad = TypeVar("_Pad")


class _Pool(Module):
    """Takes its window from its own attributes of these names; the subclasses know their op."""

    _op: ClassVar[str]
    _window: ClassVar[tuple[str, ...]]
    kernel_size: Any

    def _call(self, suffix: str, *arrays: Any, **more: Any) -> Any:
        window = {name: getattr(self, name) for name in self._window}
        return getattr(ops, self._op + suffix)(*arrays, self.kernel_size, **window, **more)

    def extra_repr(self) -> str:
        window = ", ".join(f"{name}={getattr(self, name)}" for name in self._window)
        return f"{self.kernel_size}, {window}"


class _MaxPool(_Pool, Generic[_Size, _Pad]):
    _window = ("stride", "padding", "dilation", "ceil_mode")

    def __init__(
        self,
        kernel_size: _Size,
        stride: _Size | None = None,
        padding: _Pad | int = 0,
        dilation: _Size | int = 1,
        *,
        ceil_mode: bool = False,
    ) -> None:
        self.kernel_size = kernel_size
        self.stride = stride
        self.padding = padding
        self.dilation = dilation
        self.ceil_mode = ceil_mode

    def forward(self, x: FloatArray) -> FloatArray:
        y: FloatArray = self._call("", x)
        return y

    def vjp(self, x: FloatArray) -> tuple[FloatArray, Callable[..., Any]]:
        x_shape = x.shape
        y, indices = self._call("_with_indices", x)
        return y, lambda dy: getattr(ops, f"{self._op}_grad")(dy, indices, x_shape)


class _AvgPool(_Pool, Generic[_Size, _Pad]):
    _window = ("stride", "padding", "ceil_mode", "count_include_pad")

    def __init__(
        self,
        kernel_size: _Size,
        stride: _Size | None = None,
        padding: _Pad | int = 0,
        ceil_mode: bool = False,
        count_include_pad: bool = True,
    ) -> None:
        self.kernel_size = kernel_size
        self.stride = stride
        self.padding = padding
        self.ceil_mode = ceil_mode
        self.count_include_pad = count_include_pad

    def forward(self, x: FloatArray) -> FloatArray:
        y: FloatArray = self._call("", x)
        return y

    def vjp(self, x: FloatArray) -> tuple[FloatArray, Callable[..., Any]]:
        x_shape = x.shape
        return self.forward(x), lambda dy: self._call("_grad", dy, x_shape)


class _LpPool(_Pool, Generic[_Size, _Pad]):
    _window = ("stride", "padding", "ceil_mode")

    def __init__(
        self,
        norm_type: float,
        kernel_size: _Size,
        stride: _Size | None = None,
        ceil_mode: bool = False,
        *,
        padding: _Pad | int = 0,
    ) -> None:
        self.norm_type = norm_type
        self.kernel_size = kernel_size
        self.stride = stride
        self.padding = padding
        self.ceil_mode = ceil_mode

    def forward(self, x: FloatArray) -> FloatArray:
        y: FloatArray = self._call("", x, self.norm_type)
        return y

    def vjp(self, x: FloatArray) -> tuple[FloatArray, Callable[..., Any]]:
        y = self.forward(x)
        return y, lambda dy: self._call("_grad", dy, x, self.norm_type, y=y)

    def extra_repr(self) -> str:
        return f"{self.norm_type}, {super().extra_repr()}"


class MaxPool1d(_MaxPool[IntOrSingle, Padding1d]):
    """The maximum of each window; see `striate.ops.max_pool1d`.

    Shapes: x (N, C, L), y (N, C, L_out).

    Args:
        kernel_size, stride, dilation: an int or (l,); otherwise as for `MaxPool2d`.
        padding, ceil_mode: as for `MaxPool2d`.

    Examples:
        >>> import numpy as np
        >>> from striate import nn
        >>> nn.MaxPool1d(4)(np.ones((1, 128, 1981), np.float32)).shape
        (1, 128, 495)
    """

    _op = "max_pool1d"


class MaxPool2d(_MaxPool[IntOrPair, Padding]):
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

    _op = "max_pool2d"


class MaxPool3d(_MaxPool[IntOrTriple, Padding3d]):
    """The maximum of each window; see `striate.ops.max_pool3d`.

    Shapes: x (N, C, D, H, W), y (N, C, D_out, H_out, W_out).

    Args:
        kernel_size, stride, dilation: an int or (d, h, w); otherwise as for `MaxPool2d`.
        padding, ceil_mode: as for `MaxPool2d`.

    Examples:
        >>> import numpy as np
        >>> from striate import nn
        >>> nn.MaxPool3d(2)(np.ones((1, 64, 16, 28, 28), np.float32)).shape
        (1, 64, 8, 14, 14)
    """

    _op = "max_pool3d"


class AvgPool1d(_AvgPool[IntOrSingle, Padding1d]):
    """The mean of each window; see `striate.ops.avg_pool1d`.

    Shapes: x (N, C, L), y (N, C, L_out).

    Args:
        kernel_size, stride: an int or (l,); otherwise as for `AvgPool2d`.
        padding, ceil_mode, count_include_pad: as for `AvgPool2d`.

    Examples:
        >>> import numpy as np
        >>> from striate import nn
        >>> nn.AvgPool1d(4)(np.ones((1, 128, 1981), np.float32)).shape
        (1, 128, 495)
    """

    _op = "avg_pool1d"


class AvgPool2d(_AvgPool[IntOrPair, Padding]):
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

    _op = "avg_pool2d"


class AvgPool3d(_AvgPool[IntOrTriple, Padding3d]):
    """The mean of each window; see `striate.ops.avg_pool3d`.

    Shapes: x (N, C, D, H, W), y (N, C, D_out, H_out, W_out).

    Args:
        kernel_size, stride: an int or (d, h, w); otherwise as for `AvgPool2d`.
        padding, ceil_mode, count_include_pad: as for `AvgPool2d`.

    Examples:
        >>> import numpy as np
        >>> from striate import nn
        >>> nn.AvgPool3d(2)(np.ones((1, 64, 16, 28, 28), np.float32)).shape
        (1, 64, 8, 14, 14)
    """

    _op = "avg_pool3d"


class LpPool1d(_LpPool[IntOrSingle, Padding1d]):
    """The p-norm of each window; see `striate.ops.lp_pool1d`.

    Shapes: x (N, C, L), y (N, C, L_out).

    Args:
        norm_type: p, above 0.
        kernel_size, stride: an int or (l,); the stride is by default the kernel size.
        ceil_mode: whether a last window that overhangs counts.
        padding: as for `AvgPool1d`.

    Examples:
        >>> import numpy as np
        >>> from striate import nn
        >>> nn.LpPool1d(2, 4)(np.ones((1, 128, 1981), np.float32)).shape
        (1, 128, 495)
    """

    _op = "lp_pool1d"


class LpPool2d(_LpPool[IntOrPair, Padding]):
    """The p-norm of each window; see `striate.ops.lp_pool2d`.

    Shapes: x (N, C, H, W), y (N, C, H_out, W_out).

    Args:
        norm_type: p, above 0.
        kernel_size, stride: an int or (h, w); the stride is by default the kernel size.
        ceil_mode: whether a last window that overhangs counts.
        padding: as for `AvgPool2d`.

    References:
        Sermanet, Chintala and LeCun, Convolutional Neural Networks Applied to House Numbers Digit
        Classification (2012).

    Examples:
        >>> import numpy as np
        >>> from striate import nn
        >>> nn.LpPool2d(4, 3, stride=2)(np.ones((1, 64, 27, 27), np.float32)).shape
        (1, 64, 13, 13)
    """

    _op = "lp_pool2d"


class LpPool3d(_LpPool[IntOrTriple, Padding3d]):
    """The p-norm of each window; see `striate.ops.lp_pool3d`.

    Shapes: x (N, C, D, H, W), y (N, C, D_out, H_out, W_out).

    Args:
        norm_type: p, above 0.
        kernel_size, stride: an int or (d, h, w); the stride is by default the kernel size.
        ceil_mode: whether a last window that overhangs counts.
        padding: as for `AvgPool3d`.

    Examples:
        >>> import numpy as np
        >>> from striate import nn
        >>> nn.LpPool3d(2, 2)(np.ones((1, 64, 16, 28, 28), np.float32)).shape
        (1, 64, 8, 14, 14)
    """

    _op = "lp_pool3d"
