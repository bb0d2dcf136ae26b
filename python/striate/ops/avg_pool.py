"""Average pooling and its gradients."""

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


def avg_pool2d(
    x: FloatArray,
    kernel_size: IntOrPair,
    *,
    stride: IntOrPair | None = None,
    padding: Padding = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
) -> FloatArray:
    """Take the mean of each window; windows overlap where the stride is below their size.

    Formula, with the strides s and the padding before the first row and column p::

        y[n, c, i, j] = sum over k, l of x[n, c, i*s_h + k - p_top, j*s_w + l - p_left] / count

    where pixels in the padding are 0. `count` is the number of the window's pixels that lie in the
    padded input, or in the input itself without count_include_pad. A window that lies wholly in
    the padding gives 0.

    Args:
        x: (N, C, H, W).
        kernel_size: the window's size, an int or (h, w).
        stride: an int or (h, w); None for the window's size.
        padding: as in `conv2d`; it may exceed half the window.
        ceil_mode: also use a last window that hangs over the end, unless it would start in the
            padding there (PyTorch's rule); what hangs over is not counted.
        count_include_pad: whether padding counts in the divisor.

    Returns:
        y, (N, C, H_out, W_out), of x's dtype; sizes as in `max_pool2d`.

    Raises:
        ValueError: x has not four axes, a number is out of range, or the window is larger than
            the padded input.
        TypeError: x is no float32 or float64 array.

    References:
        LeCun, Bottou, Bengio and Haffner, "Gradient-based learning applied to document
        recognition", Proc. IEEE 1998, section II.B (subsampling).

    Examples:
        >>> import numpy as np
        >>> from striate import ops
        >>> x = np.arange(16.0).reshape(1, 1, 4, 4)
        >>> ops.avg_pool2d(x, 2).tolist()
        [[[[2.5, 4.5], [10.5, 12.5]]]]
    """
    return _backend.select("avg_pool2d", x=x).avg_pool2d(
        x, kernel_size, stride, padding, ceil_mode, count_include_pad
    )


def avg_pool2d_grad(
    dy: FloatArray,
    x_shape: tuple[int, ...],
    kernel_size: IntOrPair,
    *,
    stride: IntOrPair | None = None,
    padding: Padding = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
) -> FloatArray:
    """Gradient of `avg_pool2d` with respect to its input.

    Formula: each pixel of the input gets the sum of `dy / count` over the windows that hold it.

    Args:
        dy: (N, C, H_out, W_out).
        x_shape: (N, C, H, W), the input's shape.
        kernel_size: as in `avg_pool2d`; so also all that follow.
        stride: see kernel_size.
        padding: see kernel_size.
        ceil_mode: see kernel_size.
        count_include_pad: see kernel_size.

    Returns:
        dx, of shape x_shape and dy's dtype.

    Raises:
        ValueError: as `avg_pool2d`, or dy has not the shape that x_shape gives.
        TypeError: dy is no float32 or float64 array.

    References:
        As in `avg_pool2d`.

    Examples:
        >>> import numpy as np
        >>> from striate import ops
        >>> dy = np.array([[[[4.0, 8.0]]]])
        >>> ops.avg_pool2d_grad(dy, (1, 1, 2, 4), 2).tolist()
        [[[[1.0, 1.0, 2.0, 2.0], [1.0, 1.0, 2.0, 2.0]]]]
    """
    return _backend.select("avg_pool2d_grad", dy=dy).avg_pool2d_grad(
        dy, x_shape, kernel_size, stride, padding, ceil_mode, count_include_pad
    )


def avg_pool1d(
    x: FloatArray,
    kernel_size: IntOrSingle,
    *,
    stride: IntOrSingle | None = None,
    padding: Padding1d = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
) -> FloatArray:
    """Take the mean of each window; as `avg_pool2d`, along one axis.

    Formula: as in `avg_pool2d`, along one axis.

    Args:
        x: (N, C, L).
        kernel_size: the window's size, an int or (l,).
        stride: an int or (l,); None for the window's size.
        padding: as in `avg_pool2d`, for one axis.
        ceil_mode: as in `avg_pool2d`.
        count_include_pad: whether padding counts in the divisor.

    Returns:
        y, (N, C, L_out), of x's dtype; sizes as in `max_pool2d`.

    Raises:
        ValueError: x has not three axes, a number is out of range, or the window is larger than the
            padded input.
        TypeError: x is no float32 or float64 array.

    References:
        As in `avg_pool2d`.

    Examples:
        >>> import numpy as np
        >>> from striate import ops
        >>> ops.avg_pool1d(np.arange(4.0).reshape(1, 1, 4), 2).tolist()
        [[[0.5, 2.5]]]
    """
    return _backend.select("avg_pool1d", x=x).avg_pool1d(
        x, kernel_size, stride, padding, ceil_mode, count_include_pad
    )


def avg_pool1d_grad(
    dy: FloatArray,
    x_shape: tuple[int, ...],
    kernel_size: IntOrSingle,
    *,
    stride: IntOrSingle | None = None,
    padding: Padding1d = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
) -> FloatArray:
    """Gradient of `avg_pool1d` with respect to its input.

    Formula: as in `avg_pool2d_grad`.

    Args:
        dy: (N, C, L_out).
        x_shape: (N, C, L), the input's shape.
        kernel_size: as in `avg_pool1d`; so also all that follow.
        stride: see kernel_size.
        padding: see kernel_size.
        ceil_mode: see kernel_size.
        count_include_pad: see kernel_size.

    Returns:
        dx, of shape x_shape and dy's dtype.

    Raises:
        ValueError: as `avg_pool1d`, or dy has not the shape that x_shape gives.
        TypeError: dy is no float32 or float64 array.

    References:
        As in `avg_pool2d`.

    Examples:
        >>> import numpy as np
        >>> from striate import ops
        >>> ops.avg_pool1d_grad(np.array([[[4.0, 8.0]]]), (1, 1, 4), 2).tolist()
        [[[2.0, 2.0, 4.0, 4.0]]]
    """
    return _backend.select("avg_pool1d_grad", dy=dy).avg_pool1d_grad(
        dy, x_shape, kernel_size, stride, padding, ceil_mode, count_include_pad
    )


def avg_pool3d(
    x: FloatArray,
    kernel_size: IntOrTriple,
    *,
    stride: IntOrTriple | None = None,
    padding: Padding3d = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
) -> FloatArray:
    """Take the mean of each window; as `avg_pool2d`, in volumes.

    Formula: as in `avg_pool2d`, over the layers, rows and columns of each window.

    Args:
        x: (N, C, D, H, W).
        kernel_size: the window's size, an int or (d, h, w).
        stride: an int or (d, h, w); None for the window's size.
        padding: as in `avg_pool2d`, for three axes.
        ceil_mode: as in `avg_pool2d`.
        count_include_pad: whether padding counts in the divisor.

    Returns:
        y, (N, C, D_out, H_out, W_out), of x's dtype; sizes as in `max_pool2d`.

    Raises:
        ValueError: x has not five axes, a number is out of range, or the window is larger than the
            padded input.
        TypeError: x is no float32 or float64 array.

    References:
        As in `avg_pool2d`.

    Examples:
        >>> import numpy as np
        >>> from striate import ops
        >>> ops.avg_pool3d(np.arange(8.0).reshape(1, 1, 2, 2, 2), (2, 2, 1)).tolist()
        [[[[[3.0, 4.0]]]]]
    """
    return _backend.select("avg_pool3d", x=x).avg_pool3d(
        x, kernel_size, stride, padding, ceil_mode, count_include_pad
    )


def avg_pool3d_grad(
    dy: FloatArray,
    x_shape: tuple[int, ...],
    kernel_size: IntOrTriple,
    *,
    stride: IntOrTriple | None = None,
    padding: Padding3d = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
) -> FloatArray:
    """Gradient of `avg_pool3d` with respect to its input.

    Formula: as in `avg_pool2d_grad`.

    Args:
        dy: (N, C, D_out, H_out, W_out).
        x_shape: (N, C, D, H, W), the input's shape.
        kernel_size: as in `avg_pool3d`; so also all that follow.
        stride: see kernel_size.
        padding: see kernel_size.
        ceil_mode: see kernel_size.
        count_include_pad: see kernel_size.

    Returns:
        dx, of shape x_shape and dy's dtype.

    Raises:
        ValueError: as `avg_pool3d`, or dy has not the shape that x_shape gives.
        TypeError: dy is no float32 or float64 array.

    References:
        As in `avg_pool2d`.

    Examples:
        >>> import numpy as np
        >>> from striate import ops
        >>> ops.avg_pool3d_grad(np.full((1, 1, 1, 1, 1), 8.0), (1, 1, 2, 2, 2), 2).ravel().tolist()
        [1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0]
    """
    return _backend.select("avg_pool3d_grad", dy=dy).avg_pool3d_grad(
        dy, x_shape, kernel_size, stride, padding, ceil_mode, count_include_pad
    )
