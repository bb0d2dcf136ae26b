"""The gradients of convolution."""

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


def conv2d_input_grad(
    dy: FloatArray,
    w: FloatArray,
    x_shape: tuple[int, ...],
    *,
    stride: IntOrPair = 1,
    padding: Padding = 0,
    dilation: IntOrPair = 1,
    groups: int = 1,
    y: FloatArray | None = None,
) -> FloatArray:
    """Gradient of `conv2d` with respect to its input.

    Formula: every output pixel sends `w * dy` back to the input pixels that it was made of; `dx`
    is the sum. Given y, dy counts only where `y > 0`.

    Args:
        dy: (N, C_out, H_out, W_out).
        w: (C_out, C_in / groups, K_h, K_w).
        x_shape: (N, C_in, H, W), the input's shape.
        stride: as in `conv2d`; so also padding, dilation and groups.
        padding: see stride.
        dilation: see stride.
        groups: see stride.
        y: the output of a `conv2d` with activation="relu", of dy's shape; None without one.

    Returns:
        dx, of shape x_shape and dy's dtype.

    Raises:
        ValueError: as `conv2d`, or dy or y has not the output's shape.
        TypeError: an array is not float32 or float64, or the dtypes differ.

    References:
        Dumoulin and Visin, arXiv:1603.07285, section 4.

    Examples:
        >>> import numpy as np
        >>> from striate import ops
        >>> w = np.array([[[[1.0, 2.0]]]])
        >>> ops.conv2d_input_grad(np.ones((1, 1, 1, 2)), w, (1, 1, 1, 3)).tolist()
        [[[[1.0, 3.0, 2.0]]]]
    """
    return _backend.select("conv2d_input_grad", dy=dy, w=w, y=y).conv2d_input_grad(
        dy, w, x_shape, stride, padding, dilation, groups, y
    )


def conv2d_weight_grad(
    dy: FloatArray,
    x: FloatArray,
    w_shape: tuple[int, ...],
    *,
    stride: IntOrPair = 1,
    padding: Padding = 0,
    dilation: IntOrPair = 1,
    groups: int = 1,
    y: FloatArray | None = None,
) -> FloatArray:
    """Gradient of `conv2d` with respect to its filters.

    Formula: `dw[o, c, k, l]` sums `dy[n, o, i, j]` times the input pixel that this tap met there,
    over n, i and j. Given y, dy counts only where `y > 0`.

    Args:
        dy: (N, C_out, H_out, W_out).
        x: (N, C_in, H, W).
        w_shape: (C_out, C_in / groups, K_h, K_w), the filters' shape.
        stride: as in `conv2d`; so also padding, dilation and groups.
        padding: see stride.
        dilation: see stride.
        groups: see stride.
        y: the output of a `conv2d` with activation="relu", of dy's shape; None without one.

    Returns:
        dw, of shape w_shape and dy's dtype; zeros for an empty batch.

    Raises:
        ValueError: as `conv2d`, or dy or y has not the output's shape.
        TypeError: an array is not float32 or float64, or the dtypes differ.

    References:
        LeCun et al., "Backpropagation applied to handwritten zip code recognition", Neural
        Computation 1 (1989).

    Examples:
        >>> import numpy as np
        >>> from striate import ops
        >>> x = np.array([[[[1.0, 10.0, 100.0]]]])
        >>> ops.conv2d_weight_grad(np.ones((1, 1, 1, 2)), x, (1, 1, 1, 2)).tolist()
        [[[[11.0, 110.0]]]]
    """
    return _backend.select("conv2d_weight_grad", dy=dy, x=x, y=y).conv2d_weight_grad(
        dy, x, w_shape, stride, padding, dilation, groups, y
    )


def bias_grad(dy: FloatArray, *, axis: int = 1, y: FloatArray | None = None) -> FloatArray:
    """Gradient of a layer's bias: sum over every axis but the channels'.

    Formula: `db[c] = sum of dy[..., c, ...]`. Given y, dy counts only where `y > 0`.

    Args:
        dy: the gradient with respect to the output, (N, C, ...) or (..., C).
        axis: where the channels are: 1 for convolutions, -1 for `linear`.
        y: the output of a layer with activation="relu", of dy's shape; None without one.

    Returns:
        db, (C,), of dy's dtype.

    Raises:
        ValueError: dy has no such axis, or y has another shape.
        TypeError: an array is not float32 or float64, or the dtypes differ.

    References:
        As in `conv2d_weight_grad`.

    Examples:
        >>> import numpy as np
        >>> from striate import ops
        >>> ops.bias_grad(np.ones((2, 3, 4, 5))).tolist()
        [40.0, 40.0, 40.0]
        >>> ops.bias_grad(np.array([[1.0, 2.0], [3.0, 4.0]]), axis=-1).tolist()
        [4.0, 6.0]
    """
    return _backend.select("bias_grad", dy=dy, y=y).bias_grad(dy, axis, y)


def conv1d_input_grad(
    dy: FloatArray,
    w: FloatArray,
    x_shape: tuple[int, ...],
    *,
    stride: IntOrSingle = 1,
    padding: Padding1d = 0,
    dilation: IntOrSingle = 1,
    groups: int = 1,
    y: FloatArray | None = None,
) -> FloatArray:
    """Gradient of `conv1d` with respect to its input.

    Formula: as in `conv2d_input_grad`.

    Args:
        dy: (N, C_out, L_out).
        w: (C_out, C_in / groups, K).
        x_shape: (N, C_in, L), the input's shape.
        stride: as in `conv1d`; so also padding, dilation and groups.
        padding: see stride.
        dilation: see stride.
        groups: see stride.
        y: the output of a `conv1d` with activation="relu", of dy's shape; None without one.

    Returns:
        dx, of shape x_shape and dy's dtype.

    Raises:
        ValueError: as `conv1d`, or dy or y has not the output's shape.
        TypeError: an array is not float32 or float64, or the dtypes differ.

    References:
        As in `conv2d_input_grad`.

    Examples:
        >>> import numpy as np
        >>> from striate import ops
        >>> ops.conv1d_input_grad(np.ones((1, 1, 2)), np.array([[[1.0, 2.0]]]), (1, 1, 3)).tolist()
        [[[1.0, 3.0, 2.0]]]
    """
    return _backend.select("conv1d_input_grad", dy=dy, w=w, y=y).conv1d_input_grad(
        dy, w, x_shape, stride, padding, dilation, groups, y
    )


def conv1d_weight_grad(
    dy: FloatArray,
    x: FloatArray,
    w_shape: tuple[int, ...],
    *,
    stride: IntOrSingle = 1,
    padding: Padding1d = 0,
    dilation: IntOrSingle = 1,
    groups: int = 1,
    y: FloatArray | None = None,
) -> FloatArray:
    """Gradient of `conv1d` with respect to its filters.

    Formula: as in `conv2d_weight_grad`.

    Args:
        dy: (N, C_out, L_out).
        x: (N, C_in, L).
        w_shape: (C_out, C_in / groups, K), the filters' shape.
        stride: as in `conv1d`; so also padding, dilation and groups.
        padding: see stride.
        dilation: see stride.
        groups: see stride.
        y: the output of a `conv1d` with activation="relu", of dy's shape; None without one.

    Returns:
        dw, of shape w_shape and dy's dtype; zeros for an empty batch.

    Raises:
        ValueError: as `conv1d`, or dy or y has not the output's shape.
        TypeError: an array is not float32 or float64, or the dtypes differ.

    References:
        As in `conv2d_weight_grad`.

    Examples:
        >>> import numpy as np
        >>> from striate import ops
        >>> x = np.array([[[1.0, 10.0, 100.0]]])
        >>> ops.conv1d_weight_grad(np.ones((1, 1, 2)), x, (1, 1, 2)).tolist()
        [[[11.0, 110.0]]]
    """
    return _backend.select("conv1d_weight_grad", dy=dy, x=x, y=y).conv1d_weight_grad(
        dy, x, w_shape, stride, padding, dilation, groups, y
    )


def conv3d_input_grad(
    dy: FloatArray,
    w: FloatArray,
    x_shape: tuple[int, ...],
    *,
    stride: IntOrTriple = 1,
    padding: Padding3d = 0,
    dilation: IntOrTriple = 1,
    groups: int = 1,
    y: FloatArray | None = None,
) -> FloatArray:
    """Gradient of `conv3d` with respect to its input.

    Formula: as in `conv2d_input_grad`.

    Args:
        dy: (N, C_out, D_out, H_out, W_out).
        w: (C_out, C_in / groups, K_d, K_h, K_w).
        x_shape: (N, C_in, D, H, W), the input's shape.
        stride: as in `conv3d`; so also padding, dilation and groups.
        padding: see stride.
        dilation: see stride.
        groups: see stride.
        y: the output of a `conv3d` with activation="relu", of dy's shape; None without one.

    Returns:
        dx, of shape x_shape and dy's dtype.

    Raises:
        ValueError: as `conv3d`, or dy or y has not the output's shape.
        TypeError: an array is not float32 or float64, or the dtypes differ.

    References:
        As in `conv2d_input_grad`.

    Examples:
        >>> import numpy as np
        >>> from striate import ops
        >>> dy, w = np.ones((1, 1, 2, 1, 1)), np.array([1.0, 2.0]).reshape(1, 1, 2, 1, 1)
        >>> ops.conv3d_input_grad(dy, w, (1, 1, 3, 1, 1)).ravel().tolist()
        [1.0, 3.0, 2.0]
    """
    return _backend.select("conv3d_input_grad", dy=dy, w=w, y=y).conv3d_input_grad(
        dy, w, x_shape, stride, padding, dilation, groups, y
    )


def conv3d_weight_grad(
    dy: FloatArray,
    x: FloatArray,
    w_shape: tuple[int, ...],
    *,
    stride: IntOrTriple = 1,
    padding: Padding3d = 0,
    dilation: IntOrTriple = 1,
    groups: int = 1,
    y: FloatArray | None = None,
) -> FloatArray:
    """Gradient of `conv3d` with respect to its filters.

    Formula: as in `conv2d_weight_grad`.

    Args:
        dy: (N, C_out, D_out, H_out, W_out).
        x: (N, C_in, D, H, W).
        w_shape: (C_out, C_in / groups, K_d, K_h, K_w), the filters' shape.
        stride: as in `conv3d`; so also padding, dilation and groups.
        padding: see stride.
        dilation: see stride.
        groups: see stride.
        y: the output of a `conv3d` with activation="relu", of dy's shape; None without one.

    Returns:
        dw, of shape w_shape and dy's dtype; zeros for an empty batch.

    Raises:
        ValueError: as `conv3d`, or dy or y has not the output's shape.
        TypeError: an array is not float32 or float64, or the dtypes differ.

    References:
        As in `conv2d_weight_grad`.

    Examples:
        >>> import numpy as np
        >>> from striate import ops
        >>> x = np.array([1.0, 10.0, 100.0]).reshape(1, 1, 3, 1, 1)
        >>> ops.conv3d_weight_grad(np.ones((1, 1, 2, 1, 1)), x, (1, 1, 2, 1, 1)).ravel().tolist()
        [11.0, 110.0]
    """
    return _backend.select("conv3d_weight_grad", dy=dy, x=x, y=y).conv3d_weight_grad(
        dy, x, w_shape, stride, padding, dilation, groups, y
    )
