"""Max pooling and its gradients."""

from __future__ import annotations

from striate import _backend
from striate._typing import (
    FloatArray,
    IntArray,
    IntOrPair,
    IntOrSingle,
    IntOrTriple,
    Padding,
    Padding1d,
    Padding3d,
)


def max_pool2d(
    x: FloatArray,
    kernel_size: IntOrPair,
    *,
    stride: IntOrPair | None = None,
    padding: Padding = 0,
    dilation: IntOrPair = 1,
    ceil_mode: bool = False,
) -> FloatArray:
    """Take the maximum of each window; windows overlap where the stride is below their size.

    Formula, with the strides s, dilations d and the padding before the first row and column p::

        y[n, c, i, j] = max over k, l of x[n, c, i*s_h + k*d_h - p_top, j*s_w + l*d_w - p_left]

    where pixels in the padding do not take part. A NaN wins. A window that lies wholly in the
    padding gives -inf.

    Args:
        x: (N, C, H, W).
        kernel_size: the window's size, an int or (h, w).
        stride: an int or (h, w); None for the window's size.
        padding: as in `conv2d`; it may exceed half the window.
        dilation: the distance between the window's pixels, an int or (h, w).
        ceil_mode: also use a last window that hangs over the end, unless it would start in the
            padding there (PyTorch's rule).

    Returns:
        y, (N, C, H_out, W_out), of x's dtype; H_out and W_out as in `conv2d`, with the division
        rounded up in ceil_mode.

    Raises:
        ValueError: x has not four axes, a number is out of range, or the window is larger than
            the padded input.
        TypeError: x is no float32 or float64 array.

    References:
        Krizhevsky, Sutskever and Hinton, "ImageNet classification with deep convolutional neural
        networks", NIPS 2012, section 3.4 (overlapping pooling).

    Examples:
        >>> import numpy as np
        >>> from striate import ops
        >>> x = np.arange(25.0).reshape(1, 1, 5, 5)
        >>> ops.max_pool2d(x, 3, stride=2).tolist()
        [[[[12.0, 14.0], [22.0, 24.0]]]]
    """
    return _backend.select("max_pool2d", x=x).max_pool2d(
        x, kernel_size, stride, padding, dilation, ceil_mode
    )


def max_pool2d_with_indices(
    x: FloatArray,
    kernel_size: IntOrPair,
    *,
    stride: IntOrPair | None = None,
    padding: Padding = 0,
    dilation: IntOrPair = 1,
    ceil_mode: bool = False,
) -> tuple[FloatArray, IntArray]:
    """Max pooling that also tells where each maximum was, for `max_pool2d_grad`.

    Formula: as in `max_pool2d`; `indices` is `row * W + column` of the maximum in its plane. Of
    equal values, or of several NaN, it is the first in row-major order; -1 for a window that lies
    wholly in the padding.

    Args:
        x: (N, C, H, W).
        kernel_size: as in `max_pool2d`; so also all that follow.
        stride: see kernel_size.
        padding: see kernel_size.
        dilation: see kernel_size.
        ceil_mode: see kernel_size.

    Returns:
        (y, indices), both (N, C, H_out, W_out); indices are int32, or int64 where H * W is 2**31
        or more.

    Raises:
        ValueError: as `max_pool2d`.
        TypeError: x is no float32 or float64 array.

    References:
        As in `max_pool2d`.

    Examples:
        >>> import numpy as np
        >>> from striate import ops
        >>> x = np.array([[[[3.0, 7.0, 7.0, 1.0]]]])
        >>> y, indices = ops.max_pool2d_with_indices(x, (1, 2), stride=1)
        >>> y.tolist(), indices.tolist()
        ([[[[7.0, 7.0, 7.0]]]], [[[[1, 1, 2]]]])
    """
    return _backend.select("max_pool2d_with_indices", x=x).max_pool2d_with_indices(
        x, kernel_size, stride, padding, dilation, ceil_mode
    )


def max_pool2d_grad(dy: FloatArray, indices: IntArray, x_shape: tuple[int, ...]) -> FloatArray:
    """Gradient of `max_pool2d` with respect to its input.

    Formula: `dx[n, c, indices[n, c, i, j]] += dy[n, c, i, j]`, with the plane's pixels counted row
    by row; an index of -1 gives nothing to anyone.

    Args:
        dy: (N, C, H_out, W_out).
        indices: of dy's shape, as `max_pool2d_with_indices` gives them; any integer dtype.
        x_shape: (N, C, H, W), the input's shape.

    Returns:
        dx, of shape x_shape and dy's dtype.

    Raises:
        ValueError: the shapes do not fit, or an index is outside [-1, H * W).
        TypeError: dy is no float32 or float64 array, or indices are no integers.

    References:
        As in `max_pool2d`.

    Examples:
        >>> import numpy as np
        >>> from striate import ops
        >>> indices = np.array([[[[1, 1, 2]]]])
        >>> dy = np.array([[[[1.0, 20.0, 300.0]]]])
        >>> ops.max_pool2d_grad(dy, indices, (1, 1, 1, 4)).tolist()
        [[[[0.0, 21.0, 300.0, 0.0]]]]
    """
    return _backend.select("max_pool2d_grad", dy=dy, indices=indices).max_pool2d_grad(
        dy, indices, x_shape
    )


def max_pool1d(
    x: FloatArray,
    kernel_size: IntOrSingle,
    *,
    stride: IntOrSingle | None = None,
    padding: Padding1d = 0,
    dilation: IntOrSingle = 1,
    ceil_mode: bool = False,
) -> FloatArray:
    """Take the maximum of each window; as `max_pool2d`, along one axis.

    Formula, with the stride s, dilation d and the padding p before the first position::

        y[n, c, i] = max over k of x[n, c, i*s + k*d - p]

    Args:
        x: (N, C, L).
        kernel_size: the window's size, an int or (l,).
        stride: an int or (l,); None for the window's size.
        padding: as in `max_pool2d`, for one axis; it takes no part.
        dilation: the distance between the window's elements, an int or (l,).
        ceil_mode: as in `max_pool2d`.

    Returns:
        y, (N, C, L_out), of x's dtype; sizes as in `max_pool2d`.

    Raises:
        ValueError: x has not three axes, a number is out of range, or the window is larger than the
            padded input.
        TypeError: x is no float32 or float64 array.

    References:
        As in `max_pool2d`.

    Examples:
        >>> import numpy as np
        >>> from striate import ops
        >>> x = np.array([[[3.0, 7.0, 7.0, 1.0]]])
        >>> ops.max_pool1d(x, 2).tolist()
        [[[7.0, 7.0]]]
    """
    return _backend.select("max_pool1d", x=x).max_pool1d(
        x, kernel_size, stride, padding, dilation, ceil_mode
    )


def max_pool1d_with_indices(
    x: FloatArray,
    kernel_size: IntOrSingle,
    *,
    stride: IntOrSingle | None = None,
    padding: Padding1d = 0,
    dilation: IntOrSingle = 1,
    ceil_mode: bool = False,
) -> tuple[FloatArray, IntArray]:
    """Max pooling that also tells where each maximum was, for `max_pool1d_grad`.

    Formula: as in `max_pool1d`; `indices` is the position of the maximum, the
    first of equals; -1 for a window that lies wholly in the padding.

    Args:
        x: (N, C, L).
        kernel_size: as in `max_pool1d`; so also all that follow.
        stride: see kernel_size.
        padding: see kernel_size.
        dilation: see kernel_size.
        ceil_mode: see kernel_size.

    Returns:
        (y, indices), both (N, C, L_out); indices are int32, or int64 where L is
        2**31 or more.

    Raises:
        ValueError: as `max_pool1d`.
        TypeError: x is no float32 or float64 array.

    References:
        As in `max_pool2d`.

    Examples:
        >>> import numpy as np
        >>> from striate import ops
        >>> x = np.array([[[3.0, 7.0, 7.0, 1.0]]])
        >>> y, indices = ops.max_pool1d_with_indices(x, 2, stride=1)
        >>> y.tolist(), indices.tolist()
        ([[[7.0, 7.0, 7.0]]], [[[1, 1, 2]]])
    """
    return _backend.select("max_pool1d_with_indices", x=x).max_pool1d_with_indices(
        x, kernel_size, stride, padding, dilation, ceil_mode
    )


def max_pool1d_grad(dy: FloatArray, indices: IntArray, x_shape: tuple[int, ...]) -> FloatArray:
    """Gradient of `max_pool1d` with respect to its input.

    Formula: as in `max_pool2d_grad`: each dy is added where its index says.

    Args:
        dy: (N, C, L_out).
        indices: of dy's shape, as `max_pool1d_with_indices` gives them; any integer dtype.
        x_shape: (N, C, L), the input's shape.

    Returns:
        dx, of shape x_shape and dy's dtype.

    Raises:
        ValueError: the shapes do not fit, or an index is outside [-1, L).
        TypeError: dy is no float32 or float64 array, or indices are no integers.

    References:
        As in `max_pool2d`.

    Examples:
        >>> import numpy as np
        >>> from striate import ops
        >>> dy, indices = np.array([[[1.0, 20.0, 300.0]]]), np.array([[[1, 1, 2]]])
        >>> ops.max_pool1d_grad(dy, indices, (1, 1, 4)).tolist()
        [[[0.0, 21.0, 300.0, 0.0]]]
    """
    return _backend.select("max_pool1d_grad", dy=dy, indices=indices).max_pool1d_grad(
        dy, indices, x_shape
    )


def max_pool3d(
    x: FloatArray,
    kernel_size: IntOrTriple,
    *,
    stride: IntOrTriple | None = None,
    padding: Padding3d = 0,
    dilation: IntOrTriple = 1,
    ceil_mode: bool = False,
) -> FloatArray:
    """Take the maximum of each window; as `max_pool2d`, in volumes.

    Formula: as in `max_pool2d`, over the layers, rows and columns of each window.

    Args:
        x: (N, C, D, H, W).
        kernel_size: the window's size, an int or (d, h, w).
        stride: an int or (d, h, w); None for the window's size.
        padding: as in `max_pool2d`, for three axes; it takes no part.
        dilation: the distance between the window's elements, an int or (d, h, w).
        ceil_mode: as in `max_pool2d`.

    Returns:
        y, (N, C, D_out, H_out, W_out), of x's dtype; sizes as in `max_pool2d`.

    Raises:
        ValueError: x has not five axes, a number is out of range, or the window is larger than the
            padded input.
        TypeError: x is no float32 or float64 array.

    References:
        As in `max_pool2d`.

    Examples:
        >>> import numpy as np
        >>> from striate import ops
        >>> x = np.arange(8.0).reshape(1, 1, 2, 2, 2)
        >>> ops.max_pool3d(x, (2, 2, 1)).tolist()
        [[[[[6.0, 7.0]]]]]
    """
    return _backend.select("max_pool3d", x=x).max_pool3d(
        x, kernel_size, stride, padding, dilation, ceil_mode
    )


def max_pool3d_with_indices(
    x: FloatArray,
    kernel_size: IntOrTriple,
    *,
    stride: IntOrTriple | None = None,
    padding: Padding3d = 0,
    dilation: IntOrTriple = 1,
    ceil_mode: bool = False,
) -> tuple[FloatArray, IntArray]:
    """Max pooling that also tells where each maximum was, for `max_pool3d_grad`.

    Formula: as in `max_pool3d`; `indices` is `(layer * H + row) * W + column` of the maximum in its
    volume, the first of equals; -1 for a window that lies wholly in the padding.

    Args:
        x: (N, C, D, H, W).
        kernel_size: as in `max_pool3d`; so also all that follow.
        stride: see kernel_size.
        padding: see kernel_size.
        dilation: see kernel_size.
        ceil_mode: see kernel_size.

    Returns:
        (y, indices), both (N, C, D_out, H_out, W_out); indices are int32, or int64 where
        D * H * W is 2**31 or more.

    Raises:
        ValueError: as `max_pool3d`.
        TypeError: x is no float32 or float64 array.

    References:
        As in `max_pool2d`.

    Examples:
        >>> import numpy as np
        >>> from striate import ops
        >>> x = np.arange(8.0).reshape(1, 1, 2, 2, 2)
        >>> y, indices = ops.max_pool3d_with_indices(x, 2)
        >>> y.item(), indices.item()
        (7.0, 7)
    """
    return _backend.select("max_pool3d_with_indices", x=x).max_pool3d_with_indices(
        x, kernel_size, stride, padding, dilation, ceil_mode
    )


def max_pool3d_grad(dy: FloatArray, indices: IntArray, x_shape: tuple[int, ...]) -> FloatArray:
    """Gradient of `max_pool3d` with respect to its input.

    Formula: as in `max_pool2d_grad`: each dy is added where its index says.

    Args:
        dy: (N, C, D_out, H_out, W_out).
        indices: of dy's shape, as `max_pool3d_with_indices` gives them; any integer dtype.
        x_shape: (N, C, D, H, W), the input's shape.

    Returns:
        dx, of shape x_shape and dy's dtype.

    Raises:
        ValueError: the shapes do not fit, or an index is outside [-1, D * H * W).
        TypeError: dy is no float32 or float64 array, or indices are no integers.

    References:
        As in `max_pool2d`.

    Examples:
        >>> import numpy as np
        >>> from striate import ops
        >>> dy, indices = np.full((1, 1, 1, 1, 1), 5.0), np.full((1, 1, 1, 1, 1), 3)
        >>> ops.max_pool3d_grad(dy, indices, (1, 1, 2, 2, 1)).ravel().tolist()
        [0.0, 0.0, 0.0, 5.0]
    """
    return _backend.select("max_pool3d_grad", dy=dy, indices=indices).max_pool3d_grad(
        dy, indices, x_shape
    )
