"""Average pooling with a given output size, and the gradients."""

from __future__ import annotations

from striate import _backend
from striate._typing import (
    FloatArray,
    IntOrPair,
    IntOrSingle,
    IntOrTriple,
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


def adaptive_avg_pool1d(x: FloatArray, output_size: IntOrSingle) -> FloatArray:
    """Cut each sequence into output_size windows of nearly one size and take their means.

    Formula: as in `adaptive_avg_pool2d`, along one axis.

    Args:
        x: (N, C, L).
        output_size: L_out, as an int or (L_out,); 1 is global pooling.

    Returns:
        y, (N, C, L_out), of x's dtype.

    Raises:
        ValueError: x has not three axes, or one of these or an output size is not positive.
        TypeError: x is no float32 or float64 array.

    References:
        As in `adaptive_avg_pool2d`.

    Examples:
        >>> import numpy as np
        >>> from striate import ops
        >>> ops.adaptive_avg_pool1d(np.arange(5.0).reshape(1, 1, 5), 2).tolist()
        [[[1.0, 3.0]]]
    """
    return _backend.select("adaptive_avg_pool1d", x=x).adaptive_avg_pool1d(x, output_size)


def adaptive_avg_pool1d_grad(
    dy: FloatArray, x_shape: tuple[int, ...], output_size: IntOrSingle
) -> FloatArray:
    """Gradient of `adaptive_avg_pool1d` with respect to its input.

    Formula: as in `adaptive_avg_pool2d_grad`.

    Args:
        dy: (N, C, L_out).
        x_shape: (N, C, L), the input's shape.
        output_size: as in `adaptive_avg_pool1d`.

    Returns:
        dx, of shape x_shape and dy's dtype.

    Raises:
        ValueError: as `adaptive_avg_pool1d`, or dy has not the shape that x_shape gives.
        TypeError: dy is no float32 or float64 array.

    References:
        As in `adaptive_avg_pool2d`.

    Examples:
        >>> import numpy as np
        >>> from striate import ops
        >>> ops.adaptive_avg_pool1d_grad(np.array([[[3.0, 6.0]]]), (1, 1, 5), 2).tolist()
        [[[1.0, 1.0, 3.0, 2.0, 2.0]]]
    """
    return _backend.select("adaptive_avg_pool1d_grad", dy=dy).adaptive_avg_pool1d_grad(
        dy, x_shape, output_size
    )


def adaptive_avg_pool3d(x: FloatArray, output_size: IntOrTriple) -> FloatArray:
    """Cut each volume into output_size windows of nearly one size and take their means.

    Formula: as in `adaptive_avg_pool2d`, along three axes.

    Args:
        x: (N, C, D, H, W).
        output_size: (D_out, H_out, W_out), or one int for all; 1 is global pooling.

    Returns:
        y, (N, C, D_out, H_out, W_out), of x's dtype.

    Raises:
        ValueError: x has not five axes, or one of these or an output size is not positive.
        TypeError: x is no float32 or float64 array.

    References:
        As in `adaptive_avg_pool2d`.

    Examples:
        >>> import numpy as np
        >>> from striate import ops
        >>> x = np.arange(8.0).reshape(1, 1, 2, 2, 2)
        >>> ops.adaptive_avg_pool3d(x, (2, 1, 1)).ravel().tolist()
        [1.5, 5.5]
    """
    return _backend.select("adaptive_avg_pool3d", x=x).adaptive_avg_pool3d(x, output_size)


def adaptive_avg_pool3d_grad(
    dy: FloatArray, x_shape: tuple[int, ...], output_size: IntOrTriple
) -> FloatArray:
    """Gradient of `adaptive_avg_pool3d` with respect to its input.

    Formula: as in `adaptive_avg_pool2d_grad`.

    Args:
        dy: (N, C, D_out, H_out, W_out).
        x_shape: (N, C, D, H, W), the input's shape.
        output_size: as in `adaptive_avg_pool3d`.

    Returns:
        dx, of shape x_shape and dy's dtype.

    Raises:
        ValueError: as `adaptive_avg_pool3d`, or dy has not the shape that x_shape gives.
        TypeError: dy is no float32 or float64 array.

    References:
        As in `adaptive_avg_pool2d`.

    Examples:
        >>> import numpy as np
        >>> from striate import ops
        >>> dy = np.full((1, 1, 1, 1, 1), 4.0)
        >>> ops.adaptive_avg_pool3d_grad(dy, (1, 1, 2, 1, 2), 1).ravel().tolist()
        [1.0, 1.0, 1.0, 1.0]
    """
    return _backend.select("adaptive_avg_pool3d_grad", dy=dy).adaptive_avg_pool3d_grad(
        dy, x_shape, output_size
    )
