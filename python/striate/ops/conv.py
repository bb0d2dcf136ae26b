"""2-d convolution and its gradients."""

from __future__ import annotations

from striate import _backend
from striate._typing import Activation, FloatArray, IntOrPair, Padding


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
