"""Lp pooling and its gradients."""

from __future__ import annotations

from striate import _backend
from striate._typing import (
    FloatArray,
    IntOrPair,
    IntOrSingle,
    IntOrTriple,
    Padding,
    Padding1d,
    Padding3d,
)


def lp_pool2d(
    x: FloatArray,
    norm_type: float,
    kernel_size: IntOrPair,
    *,
    stride: IntOrPair | None = None,
    padding: Padding = 0,
    ceil_mode: bool = False,
) -> FloatArray:
    """Take the p-norm of each window.

    Formula, over the elements of each window::

        y = (sum of |x| ** p) ** (1 / p)

    where what lies in the padding, or hangs over the end, adds nothing. This is ONNX's LpPool;
    PyTorch sums x**p with its sign, which gives NaN for odd p, and scales windows that hang over.
    Where p is neither 1 nor 2, |x|**p must be a finite number.

    Args:
        x: (N, C, H, W).
        norm_type: p, above 0; 1 sums, and large ones come near to the maximum.
        kernel_size: the window's size, an int or (h, w).
        stride: an int or (h, w); None for the window's size.
        padding: as in `avg_pool2d`.
        ceil_mode: as in `max_pool2d`.

    Returns:
        y, (N, C, H_out, W_out), of x's dtype; sizes as in `max_pool2d`.

    Raises:
        ValueError: x has not four axes, a number is out of range, or the window is larger than the
            padded input.
        TypeError: x is no float32 or float64 array.

    References:
        Sermanet, Chintala and LeCun, "Convolutional neural networks applied to house numbers digit
        classification", ICPR 2012, section 2.2; ONNX, LpPool.

    Examples:
        >>> import numpy as np
        >>> from striate import ops
        >>> x = np.array([[[[3.0, -4.0], [1.0, 2.0]]]])
        >>> ops.lp_pool2d(x, 2, (1, 2), stride=2).tolist()
        [[[[5.0]]]]
        >>> ops.lp_pool2d(x, 1, 2).tolist()
        [[[[10.0]]]]
    """
    return _backend.select("lp_pool2d", x=x).lp_pool2d(
        x, norm_type, kernel_size, stride, padding, ceil_mode
    )


def lp_pool2d_grad(
    dy: FloatArray,
    x: FloatArray,
    norm_type: float,
    kernel_size: IntOrPair,
    *,
    stride: IntOrPair | None = None,
    padding: Padding = 0,
    ceil_mode: bool = False,
    y: FloatArray | None = None,
) -> FloatArray:
    """Gradient of `lp_pool2d` with respect to its input.

    Formula: each element gets `sign(x) * |x| ** (p - 1)` times the sum of `dy * y ** (1 - p)` over
    the windows that hold it; 0 where x is 0 and from windows where y is 0, whatever p.

    Args:
        dy: (N, C, H_out, W_out).
        x: (N, C, H, W), the forward's input.
        norm_type: as in `lp_pool2d`; so also kernel_size, stride, padding and ceil_mode.
        kernel_size: see norm_type.
        stride: see norm_type.
        padding: see norm_type.
        ceil_mode: see norm_type.
        y: the forward's output, where it is at hand; else it is computed again.

    Returns:
        dx, of x's shape and dtype.

    Raises:
        ValueError: as `lp_pool2d`, or dy or y has not the output's shape.
        TypeError: an array is not float32 or float64, or the dtypes differ.

    References:
        As in `lp_pool2d`.

    Examples:
        >>> import numpy as np
        >>> from striate import ops
        >>> x, dy = np.array([[[[3.0, -4.0], [0.0, 0.0]]]]), np.array([[[[5.0], [1.0]]]])
        >>> ops.lp_pool2d_grad(dy, x, 2, (1, 2)).tolist()
        [[[[3.0, -4.0], [0.0, 0.0]]]]
    """
    return _backend.select("lp_pool2d_grad", dy=dy, x=x, y=y).lp_pool2d_grad(
        dy, x, norm_type, kernel_size, stride, padding, ceil_mode, y
    )


def lp_pool1d(
    x: FloatArray,
    norm_type: float,
    kernel_size: IntOrSingle,
    *,
    stride: IntOrSingle | None = None,
    padding: Padding1d = 0,
    ceil_mode: bool = False,
) -> FloatArray:
    """Take the p-norm of each window.

    Formula: as in `lp_pool2d`, along one axis.

    Args:
        x: (N, C, L).
        norm_type: p, above 0; 1 sums, and large ones come near to the maximum.
        kernel_size: the window's size, an int or (l,).
        stride: an int or (l,); None for the window's size.
        padding: as in `avg_pool1d`.
        ceil_mode: as in `max_pool2d`.

    Returns:
        y, (N, C, L_out), of x's dtype; sizes as in `max_pool2d`.

    Raises:
        ValueError: x has not three axes, a number is out of range, or the window is larger than the
            padded input.
        TypeError: x is no float32 or float64 array.

    References:
        As in `lp_pool2d`.

    Examples:
        >>> import numpy as np
        >>> from striate import ops
        >>> ops.lp_pool1d(np.array([[[3.0, -4.0, 0.0, 5.0]]]), 2, 2).tolist()
        [[[5.0, 5.0]]]
    """
    return _backend.select("lp_pool1d", x=x).lp_pool1d(
        x, norm_type, kernel_size, stride, padding, ceil_mode
    )


def lp_pool1d_grad(
    dy: FloatArray,
    x: FloatArray,
    norm_type: float,
    kernel_size: IntOrSingle,
    *,
    stride: IntOrSingle | None = None,
    padding: Padding1d = 0,
    ceil_mode: bool = False,
    y: FloatArray | None = None,
) -> FloatArray:
    """Gradient of `lp_pool1d` with respect to its input.

    Formula: as in `lp_pool2d_grad`.

    Args:
        dy: (N, C, L_out).
        x: (N, C, L), the forward's input.
        norm_type: as in `lp_pool1d`; so also kernel_size, stride, padding and ceil_mode.
        kernel_size: see norm_type.
        stride: see norm_type.
        padding: see norm_type.
        ceil_mode: see norm_type.
        y: the forward's output, where it is at hand; else it is computed again.

    Returns:
        dx, of x's shape and dtype.

    Raises:
        ValueError: as `lp_pool1d`, or dy or y has not the output's shape.
        TypeError: an array is not float32 or float64, or the dtypes differ.

    References:
        As in `lp_pool2d`.

    Examples:
        >>> import numpy as np
        >>> from striate import ops
        >>> ops.lp_pool1d_grad(np.array([[[5.0]]]), np.array([[[3.0, -4.0]]]), 2, 2).tolist()
        [[[3.0, -4.0]]]
    """
    return _backend.select("lp_pool1d_grad", dy=dy, x=x, y=y).lp_pool1d_grad(
        dy, x, norm_type, kernel_size, stride, padding, ceil_mode, y
    )


def lp_pool3d(
    x: FloatArray,
    norm_type: float,
    kernel_size: IntOrTriple,
    *,
    stride: IntOrTriple | None = None,
    padding: Padding3d = 0,
    ceil_mode: bool = False,
) -> FloatArray:
    """Take the p-norm of each window.

    Formula: as in `lp_pool2d`, over the layers, rows and columns of each window.

    Args:
        x: (N, C, D, H, W).
        norm_type: p, above 0; 1 sums, and large ones come near to the maximum.
        kernel_size: the window's size, an int or (d, h, w).
        stride: an int or (d, h, w); None for the window's size.
        padding: as in `avg_pool3d`.
        ceil_mode: as in `max_pool2d`.

    Returns:
        y, (N, C, D_out, H_out, W_out), of x's dtype; sizes as in `max_pool2d`.

    Raises:
        ValueError: x has not five axes, a number is out of range, or the window is larger than the
            padded input.
        TypeError: x is no float32 or float64 array.

    References:
        As in `lp_pool2d`.

    Examples:
        >>> import numpy as np
        >>> from striate import ops
        >>> ops.lp_pool3d(np.array([3.0, -4.0]).reshape(1, 1, 2, 1, 1), 2, (2, 1, 1)).item()
        5.0
    """
    return _backend.select("lp_pool3d", x=x).lp_pool3d(
        x, norm_type, kernel_size, stride, padding, ceil_mode
    )


def lp_pool3d_grad(
    dy: FloatArray,
    x: FloatArray,
    norm_type: float,
    kernel_size: IntOrTriple,
    *,
    stride: IntOrTriple | None = None,
    padding: Padding3d = 0,
    ceil_mode: bool = False,
    y: FloatArray | None = None,
) -> FloatArray:
    """Gradient of `lp_pool3d` with respect to its input.

    Formula: as in `lp_pool2d_grad`.

    Args:
        dy: (N, C, D_out, H_out, W_out).
        x: (N, C, D, H, W), the forward's input.
        norm_type: as in `lp_pool3d`; so also kernel_size, stride, padding and ceil_mode.
        kernel_size: see norm_type.
        stride: see norm_type.
        padding: see norm_type.
        ceil_mode: see norm_type.
        y: the forward's output, where it is at hand; else it is computed again.

    Returns:
        dx, of x's shape and dtype.

    Raises:
        ValueError: as `lp_pool3d`, or dy or y has not the output's shape.
        TypeError: an array is not float32 or float64, or the dtypes differ.

    References:
        As in `lp_pool2d`.

    Examples:
        >>> import numpy as np
        >>> from striate import ops
        >>> x, dy = np.array([3.0, -4.0]).reshape(1, 1, 2, 1, 1), np.full((1, 1, 1, 1, 1), 5.0)
        >>> ops.lp_pool3d_grad(dy, x, 2, (2, 1, 1)).ravel().tolist()
        [3.0, -4.0]
    """
    return _backend.select("lp_pool3d_grad", dy=dy, x=x, y=y).lp_pool3d_grad(
        dy, x, norm_type, kernel_size, stride, padding, ceil_mode, y
    )
