"""Channels times a number each."""

from __future__ import annotations

from striate import _backend
from striate._typing import FloatArray


def scale_channels(x: FloatArray, scale: FloatArray) -> FloatArray:
    """Multiply each channel of each sample by a number of its own.

    Formula: `y[n, c] = x[n, c] * scale[n, c]`.

    Args:
        x: (N, C) or (N, C, ...), float32 or float64.
        scale: (N, C).

    Returns:
        y, of x's shape and dtype.

    Raises:
        ValueError: x has fewer than two axes, or scale is not (N, C).
        TypeError: the dtypes differ, or are neither float32 nor float64.

    References:
        Hu, Shen and Sun, "Squeeze-and-excitation networks", CVPR 2018, section 3.2.

    Examples:
        >>> import numpy as np
        >>> from striate import ops
        >>> ops.scale_channels(np.ones((1, 2, 2)), np.array([[2.0, 3.0]])).tolist()
        [[[2.0, 2.0], [3.0, 3.0]]]
    """
    return _backend.select("scale_channels", x=x, scale=scale).scale_channels(x, scale)


def scale_channels_grad(
    dy: FloatArray, x: FloatArray, scale: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Gradients of `scale_channels`.

    Formula: `dx[n, c] = dy[n, c] * scale[n, c]`; `dscale[n, c]` is the sum of `dy * x` over the
    channel.

    Args:
        dy: the gradient with respect to the output, of x's shape and dtype.
        x: as in `scale_channels`.
        scale: as in `scale_channels`.

    Returns:
        (dx, dscale), of the shapes of x and scale.

    Raises:
        ValueError: as `scale_channels`, or dy and x differ in shape.
        TypeError: the dtypes differ, or are neither float32 nor float64.

    References:
        As in `scale_channels`.

    Examples:
        >>> import numpy as np
        >>> from striate import ops
        >>> dy, x = np.ones((1, 1, 2)), np.array([[[3.0, 4.0]]])
        >>> dx, dscale = ops.scale_channels_grad(dy, x, np.array([[2.0]]))
        >>> dx.tolist(), dscale.tolist()
        ([[[2.0, 2.0]]], [[7.0]])
    """
    return _backend.select("scale_channels_grad", dy=dy, x=x, scale=scale).scale_channels_grad(
        dy, x, scale
    )
