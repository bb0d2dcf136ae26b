"""Max pooling with a given output size, and the gradients."""

from __future__ import annotations

from striate import _backend
from striate._typing import (
    FloatArray,
    IntArray,
    IntOrPair,
    IntOrSingle,
    IntOrTriple,
)


def adaptive_max_pool2d(x: FloatArray, output_size: IntOrPair) -> FloatArray:
    """Cut each plane into output_size windows of nearly one size and take their maxima.

    Formula: the maximum over the windows of `adaptive_avg_pool2d`; a NaN wins.

    Args:
        x: (N, C, H, W).
        output_size: (H_out, W_out), or one int for both; 1 is global pooling.

    Returns:
        y, (N, C, H_out, W_out), of x's dtype.

    Raises:
        ValueError: x has not four axes, or one of these or an output size is not positive.
        TypeError: x is no float32 or float64 array.

    References:
        He, Zhang, Ren and Sun, "Spatial pyramid pooling in deep convolutional networks for visual
        recognition", ECCV 2014, section 2.2.

    Examples:
        >>> import numpy as np
        >>> from striate import ops
        >>> x = np.arange(10.0).reshape(1, 1, 2, 5)
        >>> ops.adaptive_max_pool2d(x, (1, 2)).tolist()
        [[[[7.0, 9.0]]]]
    """
    return _backend.select("adaptive_max_pool2d", x=x).adaptive_max_pool2d(x, output_size)


def adaptive_max_pool2d_with_indices(
    x: FloatArray, output_size: IntOrPair
) -> tuple[FloatArray, IntArray]:
    """Adaptive max pooling that also tells where each maximum was.

    Formula: as in `adaptive_max_pool2d`; `indices` as in `max_pool2d_with_indices`.

    Args:
        x: (N, C, H, W).
        output_size: (H_out, W_out), or one int for both.

    Returns:
        (y, indices), both (N, C, H_out, W_out); indices as in `max_pool2d_with_indices`.

    Raises:
        ValueError: as `adaptive_max_pool2d`.
        TypeError: x is no float32 or float64 array.

    References:
        As in `adaptive_max_pool2d`.

    Examples:
        >>> import numpy as np
        >>> from striate import ops
        >>> y, indices = ops.adaptive_max_pool2d_with_indices(np.arange(6.0).reshape(1, 1, 2, 3), 1)
        >>> y.item(), indices.item()
        (5.0, 5)
    """
    return _backend.select(
        "adaptive_max_pool2d_with_indices", x=x
    ).adaptive_max_pool2d_with_indices(x, output_size)


def adaptive_max_pool2d_grad(
    dy: FloatArray, indices: IntArray, x_shape: tuple[int, ...]
) -> FloatArray:
    """Gradient of `adaptive_max_pool2d` with respect to its input.

    Formula: as in `max_pool2d_grad`: each dy is added where its index says.

    Args:
        dy: (N, C, H_out, W_out).
        indices: of dy's shape, as `adaptive_max_pool2d_with_indices` gives them; any integer dtype.
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
        >>> dy, indices = np.full((1, 1, 1, 1), 5.0), np.full((1, 1, 1, 1), 3)
        >>> ops.adaptive_max_pool2d_grad(dy, indices, (1, 1, 2, 2)).tolist()
        [[[[0.0, 0.0], [0.0, 5.0]]]]
    """
    return _backend.select(
        "adaptive_max_pool2d_grad", dy=dy, indices=indices
    ).adaptive_max_pool2d_grad(dy, indices, x_shape)


def adaptive_max_pool1d(x: FloatArray, output_size: IntOrSingle) -> FloatArray:
    """Cut each plane into output_size windows of nearly one size and take their maxima.

    Formula: the maximum over the windows of `adaptive_avg_pool1d`; a NaN wins.

    Args:
        x: (N, C, L).
        output_size: L_out, as an int or (L_out,); 1 is global pooling.

    Returns:
        y, (N, C, L_out), of x's dtype.

    Raises:
        ValueError: x has not three axes, or one of these or an output size is not positive.
        TypeError: x is no float32 or float64 array.

    References:
        He, Zhang, Ren and Sun, "Spatial pyramid pooling in deep convolutional networks for visual
        recognition", ECCV 2014, section 2.2.

    Examples:
        >>> import numpy as np
        >>> from striate import ops
        >>> x = np.array([[[3.0, 7.0, 9.0, 1.0, 2.0]]])
        >>> ops.adaptive_max_pool1d(x, 2).tolist()
        [[[9.0, 9.0]]]
    """
    return _backend.select("adaptive_max_pool1d", x=x).adaptive_max_pool1d(x, output_size)


def adaptive_max_pool1d_with_indices(
    x: FloatArray, output_size: IntOrSingle
) -> tuple[FloatArray, IntArray]:
    """Adaptive max pooling that also tells where each maximum was.

    Formula: as in `adaptive_max_pool1d`; `indices` as in `max_pool1d_with_indices`.

    Args:
        x: (N, C, L).
        output_size: L_out, as an int or (L_out,).

    Returns:
        (y, indices), both (N, C, L_out); indices as in `max_pool1d_with_indices`.

    Raises:
        ValueError: as `adaptive_max_pool1d`.
        TypeError: x is no float32 or float64 array.

    References:
        As in `adaptive_max_pool1d`.

    Examples:
        >>> import numpy as np
        >>> from striate import ops
        >>> y, indices = ops.adaptive_max_pool1d_with_indices(np.array([[[3.0, 7.0, 9.0]]]), 1)
        >>> y.tolist(), indices.tolist()
        ([[[9.0]]], [[[2]]])
    """
    return _backend.select(
        "adaptive_max_pool1d_with_indices", x=x
    ).adaptive_max_pool1d_with_indices(x, output_size)


def adaptive_max_pool1d_grad(
    dy: FloatArray, indices: IntArray, x_shape: tuple[int, ...]
) -> FloatArray:
    """Gradient of `adaptive_max_pool1d` with respect to its input.

    Formula: as in `max_pool2d_grad`: each dy is added where its index says.

    Args:
        dy: (N, C, L_out).
        indices: of dy's shape, as `adaptive_max_pool1d_with_indices` gives them; any integer dtype.
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
        >>> dy, indices = np.array([[[5.0]]]), np.array([[[2]]])
        >>> ops.adaptive_max_pool1d_grad(dy, indices, (1, 1, 4)).tolist()
        [[[0.0, 0.0, 5.0, 0.0]]]
    """
    return _backend.select(
        "adaptive_max_pool1d_grad", dy=dy, indices=indices
    ).adaptive_max_pool1d_grad(dy, indices, x_shape)


def adaptive_max_pool3d(x: FloatArray, output_size: IntOrTriple) -> FloatArray:
    """Cut each plane into output_size windows of nearly one size and take their maxima.

    Formula: the maximum over the windows of `adaptive_avg_pool3d`; a NaN wins.

    Args:
        x: (N, C, D, H, W).
        output_size: (D_out, H_out, W_out), or one int for all; 1 is global pooling.

    Returns:
        y, (N, C, D_out, H_out, W_out), of x's dtype.

    Raises:
        ValueError: x has not five axes, or one of these or an output size is not positive.
        TypeError: x is no float32 or float64 array.

    References:
        He, Zhang, Ren and Sun, "Spatial pyramid pooling in deep convolutional networks for visual
        recognition", ECCV 2014, section 2.2.

    Examples:
        >>> import numpy as np
        >>> from striate import ops
        >>> x = np.arange(8.0).reshape(1, 1, 2, 2, 2)
        >>> ops.adaptive_max_pool3d(x, (2, 1, 1)).tolist()
        [[[[[3.0]], [[7.0]]]]]
    """
    return _backend.select("adaptive_max_pool3d", x=x).adaptive_max_pool3d(x, output_size)


def adaptive_max_pool3d_with_indices(
    x: FloatArray, output_size: IntOrTriple
) -> tuple[FloatArray, IntArray]:
    """Adaptive max pooling that also tells where each maximum was.

    Formula: as in `adaptive_max_pool3d`; `indices` as in `max_pool3d_with_indices`.

    Args:
        x: (N, C, D, H, W).
        output_size: (D_out, H_out, W_out), or one int for all.

    Returns:
        (y, indices), both (N, C, D_out, H_out, W_out); indices as in `max_pool3d_with_indices`.

    Raises:
        ValueError: as `adaptive_max_pool3d`.
        TypeError: x is no float32 or float64 array.

    References:
        As in `adaptive_max_pool3d`.

    Examples:
        >>> import numpy as np
        >>> from striate import ops
        >>> x = np.arange(8.0).reshape(1, 1, 2, 2, 2)
        >>> y, indices = ops.adaptive_max_pool3d_with_indices(x, 1)
        >>> y.item(), indices.item()
        (7.0, 7)
    """
    return _backend.select(
        "adaptive_max_pool3d_with_indices", x=x
    ).adaptive_max_pool3d_with_indices(x, output_size)


def adaptive_max_pool3d_grad(
    dy: FloatArray, indices: IntArray, x_shape: tuple[int, ...]
) -> FloatArray:
    """Gradient of `adaptive_max_pool3d` with respect to its input.

    Formula: as in `max_pool2d_grad`: each dy is added where its index says.

    Args:
        dy: (N, C, D_out, H_out, W_out).
        indices: of dy's shape, as `adaptive_max_pool3d_with_indices` gives them; any integer dtype.
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
        >>> ops.adaptive_max_pool3d_grad(dy, indices, (1, 1, 2, 2, 1)).ravel().tolist()
        [0.0, 0.0, 0.0, 5.0]
    """
    return _backend.select(
        "adaptive_max_pool3d_grad", dy=dy, indices=indices
    ).adaptive_max_pool3d_grad(dy, indices, x_shape)
