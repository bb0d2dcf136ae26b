"""Convolution along one, two and three axes."""

from __future__ import annotations

from striate import _backend
from striate._typing import (
    Activation,
    FloatArray,
    IntOrPair,
    IntOrSingle,
    IntOrTriple,
    Padding,
    Padding1d,
    Padding3d,
)


def conv2d(
    x: FloatArray,
    w: FloatArray,
    b: FloatArray | None = None,
    *,
    stride: IntOrPair = 1,
    padding: Padding = 0,
    dilation: IntOrPair = 1,
    groups: int = 1,
    activation: Activation = None,
) -> FloatArray:
    """Convolve images with filters (a cross-correlation: the filters are not flipped).

    Formula, with the strides s, dilations d and the padding before the first row and column p::

        y[n, o, i, j] = b[o] + sum over c, k, l of
            w[o, c, k, l] * x[n, first(o) + c, i*s_h + k*d_h - p_top, j*s_w + l*d_w - p_left]

    where x is 0 outside the image and first(o) is the first channel of o's group. The output has
    `H_out = (H + p_top + p_bottom - d_h * (K_h - 1) - 1) // s_h + 1` rows; columns likewise.

    Args:
        x: (N, C_in, H, W).
        w: (C_out, C_in / groups, K_h, K_w).
        b: (C_out,), or None for no bias.
        stride: an int or (h, w).
        padding: an int, (h, w), ((top, bottom), (left, right)), "valid" for none, or "same" for
            `H_out = ceil(H / s_h)`, where the odd pixel goes to the end (ONNX SAME_UPPER,
            TensorFlow).
        dilation: the distance between a filter's taps, an int or (h, w).
        groups: output channels of group g see the input channels of group g alone.
        activation: None or "relu", applied in the same pass.

    Returns:
        y, (N, C_out, H_out, W_out), of x's dtype.

    Raises:
        ValueError: a shape, stride, padding, dilation or number of groups does not fit.
        TypeError: an array is not float32 or float64, or the dtypes differ.

    References:
        Dumoulin and Visin, "A guide to convolution arithmetic for deep learning",
        arXiv:1603.07285, section 2.

    Examples:
        >>> import numpy as np
        >>> from striate import ops
        >>> x = np.arange(9.0).reshape(1, 1, 3, 3)
        >>> w = np.array([[[[1.0, 0.0], [0.0, -1.0]]]])
        >>> ops.conv2d(x, w, np.array([10.0])).tolist()
        [[[[6.0, 6.0], [6.0, 6.0]]]]
        >>> ops.conv2d(x, w, padding="same", stride=2).shape
        (1, 1, 2, 2)
    """
    return _backend.select("conv2d", x=x, w=w, b=b).conv2d(
        x, w, b, stride, padding, dilation, groups, activation
    )


def conv1d(
    x: FloatArray,
    w: FloatArray,
    b: FloatArray | None = None,
    *,
    stride: IntOrSingle = 1,
    padding: Padding1d = 0,
    dilation: IntOrSingle = 1,
    groups: int = 1,
    activation: Activation = None,
) -> FloatArray:
    """Convolve sequences with filters, which are not flipped.

    Formula, with the strides s, dilations d and the padding p before the first position::

        y[n, o, i] = b[o] + sum over c, k of w[o, c, k] * x[n, first(o) + c, i*s + k*d - p]

    where x is 0 outside and first(o) is the first channel of o's group.

    Args:
        x: (N, C_in, L).
        w: (C_out, C_in / groups, K).
        b: (C_out,), or None for no bias.
        stride: an int or (l,).
        padding: as in `conv2d`, for one axis.
        dilation: the distance between a filter's taps, an int or (l,).
        groups: output channels of group g see the input channels of group g alone.
        activation: None or "relu", applied in the same pass.

    Returns:
        y, (N, C_out, L_out), of x's dtype; sizes as in `conv2d`.

    Raises:
        ValueError: a shape, stride, padding, dilation or number of groups does not fit.
        TypeError: an array is not float32 or float64, or the dtypes differ.

    References:
        van den Oord et al., "WaveNet: a generative model for raw audio", arXiv:1609.03499, section
        2.1 (dilated convolutions).

    Examples:
        >>> import numpy as np
        >>> from striate import ops
        >>> x = np.array([[[1.0, 2.0, 3.0, 4.0]]])
        >>> ops.conv1d(x, np.array([[[1.0, 10.0]]]), dilation=2).tolist()
        [[[31.0, 42.0]]]
    """
    return _backend.select("conv1d", x=x, w=w, b=b).conv1d(
        x, w, b, stride, padding, dilation, groups, activation
    )


def conv3d(
    x: FloatArray,
    w: FloatArray,
    b: FloatArray | None = None,
    *,
    stride: IntOrTriple = 1,
    padding: Padding3d = 0,
    dilation: IntOrTriple = 1,
    groups: int = 1,
    activation: Activation = None,
) -> FloatArray:
    """Convolve volumes, such as video, with filters, which are not flipped.

    Formula, with the strides s, dilations d and the padding p before each axis::

        y[n, o, t, i, j] = b[o] + sum over c, m, k, l of w[o, c, m, k, l]
            * x[n, first(o) + c, t*s_d + m*d_d - p_d, i*s_h + k*d_h - p_h, j*s_w + l*d_w - p_w]

    where x is 0 outside and first(o) is the first channel of o's group.

    Args:
        x: (N, C_in, D, H, W).
        w: (C_out, C_in / groups, K_d, K_h, K_w).
        b: (C_out,), or None for no bias.
        stride: an int or (d, h, w).
        padding: as in `conv2d`, for three axes.
        dilation: the distance between a filter's taps, an int or (d, h, w).
        groups: output channels of group g see the input channels of group g alone.
        activation: None or "relu", applied in the same pass.

    Returns:
        y, (N, C_out, D_out, H_out, W_out), of x's dtype; sizes as in `conv2d`.

    Raises:
        ValueError: a shape, stride, padding, dilation or number of groups does not fit.
        TypeError: an array is not float32 or float64, or the dtypes differ.

    References:
        Tran, Bourdev, Fergus, Torresani and Paluri, "Learning spatiotemporal features with 3D
        convolutional networks", ICCV 2015, section 3.

    Examples:
        >>> import numpy as np
        >>> from striate import ops
        >>> x = np.arange(8.0).reshape(1, 1, 2, 2, 2)
        >>> ops.conv3d(x, np.ones((1, 1, 2, 1, 2))).tolist()
        [[[[[10.0], [18.0]]]]]
    """
    return _backend.select("conv3d", x=x, w=w, b=b).conv3d(
        x, w, b, stride, padding, dilation, groups, activation
    )
