"""The gradients of transposed convolution."""

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


def conv_transpose2d_input_grad(
    dy: FloatArray,
    w: FloatArray,
    x_shape: tuple[int, ...],
    *,
    stride: IntOrPair = 1,
    padding: Padding = 0,
    output_padding: IntOrPair = 0,
    dilation: IntOrPair = 1,
    groups: int = 1,
) -> FloatArray:
    """Gradient of `conv_transpose2d` with respect to its input.

    Formula: `conv2d` of dy with the filters, without bias: each input pixel reads what it wrote.

    Args:
        dy: (N, C_out, H_out, W_out).
        w: (C_in, C_out / groups, K_h, K_w).
        x_shape: (N, C_in, H, W), the input's shape.
        stride: as in `conv_transpose2d`; so also all that follow.
        padding: see stride.
        output_padding: see stride.
        dilation: see stride.
        groups: see stride.

    Returns:
        dx, of shape x_shape and dy's dtype.

    Raises:
        ValueError: as `conv_transpose2d`, or dy has not the output's shape.
        TypeError: an array is not float32 or float64, or the dtypes differ.

    References:
        As in `conv_transpose2d`.

    Examples:
        >>> import numpy as np
        >>> from striate import ops
        >>> dy, w = np.array([[[[1.0, 2.0, 3.0]]]]), np.array([[[[1.0, 10.0]]]])
        >>> ops.conv_transpose2d_input_grad(dy, w, (1, 1, 1, 2)).tolist()
        [[[[21.0, 32.0]]]]
    """
    return _backend.select("conv_transpose2d_input_grad", dy=dy, w=w).conv_transpose2d_input_grad(
        dy, w, x_shape, stride, padding, output_padding, dilation, groups
    )


def conv_transpose2d_weight_grad(
    dy: FloatArray,
    x: FloatArray,
    w_shape: tuple[int, ...],
    *,
    stride: IntOrPair = 1,
    padding: Padding = 0,
    output_padding: IntOrPair = 0,
    dilation: IntOrPair = 1,
    groups: int = 1,
) -> FloatArray:
    """Gradient of `conv_transpose2d` with respect to its filters.

    Formula: as in `conv2d_weight_grad`, with x and dy in each other's place.

    Args:
        dy: (N, C_out, H_out, W_out).
        x: (N, C_in, H, W).
        w_shape: (C_in, C_out / groups, K_h, K_w), the filters' shape.
        stride: as in `conv_transpose2d`; so also all that follow.
        padding: see stride.
        output_padding: see stride.
        dilation: see stride.
        groups: see stride.

    Returns:
        dw, of shape w_shape and dy's dtype.

    Raises:
        ValueError: as `conv_transpose2d`, or dy has not the output's shape.
        TypeError: an array is not float32 or float64, or the dtypes differ.

    References:
        As in `conv_transpose2d`.

    Examples:
        >>> import numpy as np
        >>> from striate import ops
        >>> dy, x = np.array([[[[1.0, 2.0, 3.0]]]]), np.array([[[[1.0, 10.0]]]])
        >>> ops.conv_transpose2d_weight_grad(dy, x, (1, 1, 1, 2)).tolist()
        [[[[21.0, 32.0]]]]
    """
    return _backend.select("conv_transpose2d_weight_grad", dy=dy, x=x).conv_transpose2d_weight_grad(
        dy, x, w_shape, stride, padding, output_padding, dilation, groups
    )


def conv_transpose1d_input_grad(
    dy: FloatArray,
    w: FloatArray,
    x_shape: tuple[int, ...],
    *,
    stride: IntOrSingle = 1,
    padding: Padding1d = 0,
    output_padding: IntOrSingle = 0,
    dilation: IntOrSingle = 1,
    groups: int = 1,
) -> FloatArray:
    """Gradient of `conv_transpose1d` with respect to its input.

    Formula: as in `conv_transpose2d_input_grad`.

    Args:
        dy: (N, C_out, L_out).
        w: (C_in, C_out / groups, K).
        x_shape: (N, C_in, L), the input's shape.
        stride: as in `conv_transpose1d`; so also all that follow.
        padding: see stride.
        output_padding: see stride.
        dilation: see stride.
        groups: see stride.

    Returns:
        dx, of shape x_shape and dy's dtype.

    Raises:
        ValueError: as `conv_transpose1d`, or dy has not the output's shape.
        TypeError: an array is not float32 or float64, or the dtypes differ.

    References:
        As in `conv_transpose2d`.

    Examples:
        >>> import numpy as np
        >>> from striate import ops
        >>> dy, w = np.array([[[1.0, 2.0, 3.0]]]), np.array([[[1.0, 10.0]]])
        >>> ops.conv_transpose1d_input_grad(dy, w, (1, 1, 2)).tolist()
        [[[21.0, 32.0]]]
    """
    return _backend.select("conv_transpose1d_input_grad", dy=dy, w=w).conv_transpose1d_input_grad(
        dy, w, x_shape, stride, padding, output_padding, dilation, groups
    )


def conv_transpose1d_weight_grad(
    dy: FloatArray,
    x: FloatArray,
    w_shape: tuple[int, ...],
    *,
    stride: IntOrSingle = 1,
    padding: Padding1d = 0,
    output_padding: IntOrSingle = 0,
    dilation: IntOrSingle = 1,
    groups: int = 1,
) -> FloatArray:
    """Gradient of `conv_transpose1d` with respect to its filters.

    Formula: as in `conv_transpose2d_weight_grad`.

    Args:
        dy: (N, C_out, L_out).
        x: (N, C_in, L).
        w_shape: (C_in, C_out / groups, K), the filters' shape.
        stride: as in `conv_transpose1d`; so also all that follow.
        padding: see stride.
        output_padding: see stride.
        dilation: see stride.
        groups: see stride.

    Returns:
        dw, of shape w_shape and dy's dtype.

    Raises:
        ValueError: as `conv_transpose1d`, or dy has not the output's shape.
        TypeError: an array is not float32 or float64, or the dtypes differ.

    References:
        As in `conv_transpose2d`.

    Examples:
        >>> import numpy as np
        >>> from striate import ops
        >>> dy, x = np.array([[[1.0, 2.0, 3.0]]]), np.array([[[1.0, 10.0]]])
        >>> ops.conv_transpose1d_weight_grad(dy, x, (1, 1, 2)).tolist()
        [[[21.0, 32.0]]]
    """
    return _backend.select("conv_transpose1d_weight_grad", dy=dy, x=x).conv_transpose1d_weight_grad(
        dy, x, w_shape, stride, padding, output_padding, dilation, groups
    )


def conv_transpose3d_input_grad(
    dy: FloatArray,
    w: FloatArray,
    x_shape: tuple[int, ...],
    *,
    stride: IntOrTriple = 1,
    padding: Padding3d = 0,
    output_padding: IntOrTriple = 0,
    dilation: IntOrTriple = 1,
    groups: int = 1,
) -> FloatArray:
    """Gradient of `conv_transpose3d` with respect to its input.

    Formula: as in `conv_transpose2d_input_grad`.

    Args:
        dy: (N, C_out, D_out, H_out, W_out).
        w: (C_in, C_out / groups, K_d, K_h, K_w).
        x_shape: (N, C_in, D, H, W), the input's shape.
        stride: as in `conv_transpose3d`; so also all that follow.
        padding: see stride.
        output_padding: see stride.
        dilation: see stride.
        groups: see stride.

    Returns:
        dx, of shape x_shape and dy's dtype.

    Raises:
        ValueError: as `conv_transpose3d`, or dy has not the output's shape.
        TypeError: an array is not float32 or float64, or the dtypes differ.

    References:
        As in `conv_transpose2d`.

    Examples:
        >>> import numpy as np
        >>> from striate import ops
        >>> dy, w = np.ones((1, 1, 3, 1, 1)), np.array([1.0, 10.0]).reshape(1, 1, 2, 1, 1)
        >>> ops.conv_transpose3d_input_grad(dy, w, (1, 1, 2, 1, 1)).ravel().tolist()
        [11.0, 11.0]
    """
    return _backend.select("conv_transpose3d_input_grad", dy=dy, w=w).conv_transpose3d_input_grad(
        dy, w, x_shape, stride, padding, output_padding, dilation, groups
    )


def conv_transpose3d_weight_grad(
    dy: FloatArray,
    x: FloatArray,
    w_shape: tuple[int, ...],
    *,
    stride: IntOrTriple = 1,
    padding: Padding3d = 0,
    output_padding: IntOrTriple = 0,
    dilation: IntOrTriple = 1,
    groups: int = 1,
) -> FloatArray:
    """Gradient of `conv_transpose3d` with respect to its filters.

    Formula: as in `conv_transpose2d_weight_grad`.

    Args:
        dy: (N, C_out, D_out, H_out, W_out).
        x: (N, C_in, D, H, W).
        w_shape: (C_in, C_out / groups, K_d, K_h, K_w), the filters' shape.
        stride: as in `conv_transpose3d`; so also all that follow.
        padding: see stride.
        output_padding: see stride.
        dilation: see stride.
        groups: see stride.

    Returns:
        dw, of shape w_shape and dy's dtype.

    Raises:
        ValueError: as `conv_transpose3d`, or dy has not the output's shape.
        TypeError: an array is not float32 or float64, or the dtypes differ.

    References:
        As in `conv_transpose2d`.

    Examples:
        >>> import numpy as np
        >>> from striate import ops
        >>> dy, x = np.ones((1, 1, 3, 1, 1)), np.array([1.0, 10.0]).reshape(1, 1, 2, 1, 1)
        >>> ops.conv_transpose3d_weight_grad(dy, x, (1, 1, 2, 1, 1)).ravel().tolist()
        [11.0, 11.0]
    """
    return _backend.select("conv_transpose3d_weight_grad", dy=dy, x=x).conv_transpose3d_weight_grad(
        dy, x, w_shape, stride, padding, output_padding, dilation, groups
    )
