"""Average pooling, with windows of one size or adaptive ones, and the gradients."""

from __future__ import annotations

from striate import _backend
from striate._typing import FloatArray, IntOrPair, Padding


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


def adaptive_avg_pool2d(x: FloatArray, output_size: IntOrPair) -> FloatArray:
    """Cut each plane into output_size windows of nearly one size and take their means.

    Formula: output (i, j) is the mean over the rows from `floor(i * H / H_out)` to
    `ceil((i + 1) * H / H_out)`, excluded, and the like columns. Where H_out does not divide H,
    neighbouring windows may share a row.

    Args:
        x: (N, C, H, W).
        output_size: (H_out, W_out), or one int for both; 1 is global pooling.

    Returns:
        y, (N, C, H_out, W_out), of x's dtype.

    Raises:
        ValueError: x has not four axes, or H, W or an output size is not positive.
        TypeError: x is no float32 or float64 array.

    References:
        Lin, Chen and Yan, "Network in network", ICLR 2014, section 3.2 (global pooling).

    Examples:
        >>> import numpy as np
        >>> from striate import ops
        >>> x = np.arange(5.0).reshape(1, 1, 1, 5)
        >>> ops.adaptive_avg_pool2d(x, (1, 2)).tolist()
        [[[[1.0, 3.0]]]]
    """
    return _backend.select("adaptive_avg_pool2d", x=x).adaptive_avg_pool2d(x, output_size)


def adaptive_avg_pool2d_grad(
    dy: FloatArray, x_shape: tuple[int, ...], output_size: IntOrPair
) -> FloatArray:
    """Gradient of `adaptive_avg_pool2d` with respect to its input.

    Formula: each pixel of the input gets the sum of `dy / count` over the windows that hold it,
    `count` being a window's number of pixels.

    Args:
        dy: (N, C, H_out, W_out).
        x_shape: (N, C, H, W), the input's shape.
        output_size: as in `adaptive_avg_pool2d`.

    Returns:
        dx, of shape x_shape and dy's dtype.

    Raises:
        ValueError: as `adaptive_avg_pool2d`, or dy has not the shape that x_shape gives.
        TypeError: dy is no float32 or float64 array.

    References:
        As in `adaptive_avg_pool2d`.

    Examples:
        >>> import numpy as np
        >>> from striate import ops
        >>> dy = np.array([[[[3.0, 6.0]]]])
        >>> ops.adaptive_avg_pool2d_grad(dy, (1, 1, 1, 5), (1, 2)).tolist()
        [[[[1.0, 1.0, 3.0, 2.0, 2.0]]]]
    """
    return _backend.select("adaptive_avg_pool2d_grad", dy=dy).adaptive_avg_pool2d_grad(
        dy, x_shape, output_size
    )
