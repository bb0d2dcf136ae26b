"""Transposed convolution along one, two and three axes."""

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


def conv_transpose2d(
    x: FloatArray,
    w: FloatArray,
    b: FloatArray | None = None,
    *,
    stride: IntOrPair = 1,
    padding: Padding = 0,
    output_padding: IntOrPair = 0,
    dilation: IntOrPair = 1,
    groups: int = 1,
) -> FloatArray:
    """Convolve backwards: every input pixel adds its filters, times its value, to the output.

    Formula: the input gradient of a `conv2d` with these filters, whose input has the shape of y::

        y[n, o, i*s_h + k*d_h - p_top, j*s_w + l*d_w - p_left] += x[n, c, i, j] * w[c, o, k, l]

    over the inputs c of o's group, from y = b[o]; s, d and p are strides, dilations and padding.
    The output has `H_out = (H - 1) * s_h - p_top - p_bottom + d_h * (K_h - 1) + 1 + output_padding`
    rows; columns likewise. With padding="same" it has `H * s_h`.

    Args:
        x: (N, C_in, H, W).
        w: (C_in, C_out / groups, K_h, K_w).
        b: (C_out,), or None for no bias.
        stride: the distance of neighbouring inputs in the output, an int or (h, w).
        padding: as in `conv2d`; it takes pixels away from the output.
        output_padding: adds rows at the bottom and columns at the right, less than the stride or
            the dilation, an int or (h, w). A strided convolution gives several input sizes one
            output size; this chooses among them.
        dilation: the distance between a filter's taps, an int or (h, w).
        groups: inputs of group g go to the output channels of group g alone.

    Returns:
        y, (N, C_out, H_out, W_out), of x's dtype.

    Raises:
        ValueError: a shape, stride, padding, dilation or number of groups does not fit, or nothing
            of the output would be left.
        TypeError: an array is not float32 or float64, or the dtypes differ.

    References:
        Zeiler, Krishnan, Taylor and Fergus, "Deconvolutional networks", CVPR 2010; Dumoulin and
        Visin, arXiv:1603.07285, section 4.

    Examples:
        >>> import numpy as np
        >>> from striate import ops
        >>> x, w = np.array([[[[1.0, 2.0]]]]), np.array([[[[1.0, 10.0, 100.0]]]])
        >>> ops.conv_transpose2d(x, w, stride=(1, 2)).tolist()
        [[[[1.0, 10.0, 102.0, 20.0, 200.0]]]]
        >>> x, w = np.zeros((1, 64, 8, 8)), np.zeros((64, 32, 3, 3))
        >>> ops.conv_transpose2d(x, w, stride=2, padding=1, output_padding=1).shape
        (1, 32, 16, 16)
    """
    return _backend.select("conv_transpose2d", x=x, w=w, b=b).conv_transpose2d(
        x, w, b, stride, padding, output_padding, dilation, groups
    )


def conv_transpose1d(
    x: FloatArray,
    w: FloatArray,
    b: FloatArray | None = None,
    *,
    stride: IntOrSingle = 1,
    padding: Padding1d = 0,
    output_padding: IntOrSingle = 0,
    dilation: IntOrSingle = 1,
    groups: int = 1,
) -> FloatArray:
    """Convolve backwards: every input pixel adds its filters, times its value, to the output.

    Formula: as in `conv_transpose2d`, along one axis::

        y[n, o, i*s + k*d - p] += x[n, c, i] * w[c, o, k]

    Args:
        x: (N, C_in, L).
        w: (C_in, C_out / groups, K).
        b: (C_out,), or None for no bias.
        stride: the distance of neighbouring inputs in the output, an int or (l,).
        padding: as in `conv_transpose2d`, for one axis.
        output_padding: positions added at the end, as in `conv_transpose2d`.
        dilation: the distance between a filter's taps, an int or (l,).
        groups: as in `conv_transpose2d`.

    Returns:
        y, (N, C_out, L_out), of x's dtype.

    Raises:
        ValueError: a shape, stride, padding, dilation or number of groups does not fit, or nothing
            of the output would be left.
        TypeError: an array is not float32 or float64, or the dtypes differ.

    References:
        As in `conv_transpose2d`.

    Examples:
        >>> import numpy as np
        >>> from striate import ops
        >>> x, w = np.array([[[1.0, 2.0]]]), np.array([[[1.0, 10.0, 100.0]]])
        >>> ops.conv_transpose1d(x, w, stride=2).tolist()
        [[[1.0, 10.0, 102.0, 20.0, 200.0]]]
    """
    return _backend.select("conv_transpose1d", x=x, w=w, b=b).conv_transpose1d(
        x, w, b, stride, padding, output_padding, dilation, groups
    )


def conv_transpose3d(
    x: FloatArray,
    w: FloatArray,
    b: FloatArray | None = None,
    *,
    stride: IntOrTriple = 1,
    padding: Padding3d = 0,
    output_padding: IntOrTriple = 0,
    dilation: IntOrTriple = 1,
    groups: int = 1,
) -> FloatArray:
    """Convolve backwards: every input pixel adds its filters, times its value, to the output.

    Formula: as in `conv_transpose2d`, along three axes.

    Args:
        x: (N, C_in, D, H, W).
        w: (C_in, C_out / groups, K_d, K_h, K_w).
        b: (C_out,), or None for no bias.
        stride: the distance of neighbouring inputs in the output, an int or (d, h, w).
        padding: as in `conv_transpose2d`, for three axes.
        output_padding: as in `conv_transpose2d`, an int or (d, h, w).
        dilation: the distance between a filter's taps, an int or (d, h, w).
        groups: as in `conv_transpose2d`.

    Returns:
        y, (N, C_out, D_out, H_out, W_out), of x's dtype.

    Raises:
        ValueError: a shape, stride, padding, dilation or number of groups does not fit, or nothing
            of the output would be left.
        TypeError: an array is not float32 or float64, or the dtypes differ.

    References:
        As in `conv_transpose2d`.

    Examples:
        >>> import numpy as np
        >>> from striate import ops
        >>> x, w = np.array([1.0, 2.0]).reshape(1, 1, 2, 1, 1), np.ones((1, 1, 2, 1, 2))
        >>> ops.conv_transpose3d(x, w).tolist()
        [[[[[1.0, 1.0]], [[3.0, 3.0]], [[2.0, 2.0]]]]]
    """
    return _backend.select("conv_transpose3d", x=x, w=w, b=b).conv_transpose3d(
        x, w, b, stride, padding, output_padding, dilation, groups
    )
