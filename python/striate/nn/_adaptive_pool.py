"""Pooling layers with a given output size."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar, Generic, TypeVar

from striate import ops
from striate._typing import FloatArray, IntOrPair, IntOrSingle, IntOrTriple

from ._module import Module

_Size = TypeVar("_Size")


class _AdaptivePool(Module, Generic[_Size]):
    _op: ClassVar[str]

    def __init__(self, output_size: _Size) -> None:
        self.output_size = output_size

    def forward(self, x: FloatArray) -> FloatArray:
        y: FloatArray = getattr(ops, self._op)(x, self.output_size)
        return y

    def extra_repr(self) -> str:
        return f"{self.output_size}"


class _AdaptiveAvgPool(_AdaptivePool[_Size]):
    def vjp(self, x: FloatArray) -> tuple[FloatArray, Callable[..., Any]]:
        x_shape, output_size = x.shape, self.output_size
        y = self.forward(x)
        return y, lambda dy: getattr(ops, f"{self._op}_grad")(dy, x_shape, output_size)


class _AdaptiveMaxPool(_AdaptivePool[_Size]):
    def vjp(self, x: FloatArray) -> tuple[FloatArray, Callable[..., Any]]:
        x_shape = x.shape
        y, indices = getattr(ops, f"{self._op}_with_indices")(x, self.output_size)
        return y, lambda dy: getattr(ops, f"{self._op}_grad")(dy, indices, x_shape)


class AdaptiveAvgPool1d(_AdaptiveAvgPool[IntOrSingle]):
    """The means of output_size windows of nearly one size.

    Shapes: x (N, C, L), y (N, C, L_out); see `striate.ops.adaptive_avg_pool1d`.

    Args:
        output_size: L_out.

    Examples:
        >>> import numpy as np
        >>> from striate import nn
        >>> nn.AdaptiveAvgPool1d(4)(np.ones((1, 512, 30), np.float32)).shape
        (1, 512, 4)
    """

    _op = "adaptive_avg_pool1d"


class AdaptiveAvgPool2d(_AdaptiveAvgPool[IntOrPair]):
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

    _op = "adaptive_avg_pool2d"


class AdaptiveAvgPool3d(_AdaptiveAvgPool[IntOrTriple]):
    """The means of output_size windows of nearly one size.

    Shapes: x (N, C, D, H, W), y (N, C, D_out, H_out, W_out); see `striate.ops.adaptive_avg_pool3d`.

    Args:
        output_size: (D_out, H_out, W_out), or one int for all.

    Examples:
        >>> import numpy as np
        >>> from striate import nn
        >>> nn.AdaptiveAvgPool3d((1, 7, 7))(np.ones((1, 64, 4, 14, 14), np.float32)).shape
        (1, 64, 1, 7, 7)
    """

    _op = "adaptive_avg_pool3d"


class AdaptiveMaxPool1d(_AdaptiveMaxPool[IntOrSingle]):
    """The maxima of output_size windows of nearly one size.

    Shapes: x (N, C, L), y (N, C, L_out); see `striate.ops.adaptive_max_pool1d`.

    Args:
        output_size: L_out.

    Examples:
        >>> import numpy as np
        >>> from striate import nn
        >>> nn.AdaptiveMaxPool1d(4)(np.ones((1, 512, 30), np.float32)).shape
        (1, 512, 4)
    """

    _op = "adaptive_max_pool1d"


class AdaptiveMaxPool2d(_AdaptiveMaxPool[IntOrPair]):
    """The maxima of output_size windows of nearly one size.

    Shapes: x (N, C, H, W), y (N, C, H_out, W_out); see `striate.ops.adaptive_max_pool2d`.

    Args:
        output_size: (H_out, W_out), or one int for both.

    Examples:
        >>> import numpy as np
        >>> from striate import nn
        >>> nn.AdaptiveMaxPool2d(6)(np.ones((1, 256, 13, 13), np.float32)).shape
        (1, 256, 6, 6)
    """

    _op = "adaptive_max_pool2d"


class AdaptiveMaxPool3d(_AdaptiveMaxPool[IntOrTriple]):
    """The maxima of output_size windows of nearly one size.

    Shapes: x (N, C, D, H, W), y (N, C, D_out, H_out, W_out); see `striate.ops.adaptive_max_pool3d`.

    Args:
        output_size: (D_out, H_out, W_out), or one int for all.

    Examples:
        >>> import numpy as np
        >>> from striate import nn
        >>> nn.AdaptiveMaxPool3d((1, 7, 7))(np.ones((1, 64, 4, 14, 14), np.float32)).shape
        (1, 64, 1, 7, 7)
    """

    _op = "adaptive_max_pool3d"


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
