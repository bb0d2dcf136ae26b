"""Joining arrays, and padding them."""

from __future__ import annotations

from collections.abc import Sequence

from striate import _backend
from striate._typing import FloatArray, NumericPadding


def concat(arrays: Sequence[FloatArray], axis: int = 1) -> FloatArray:
    """Join arrays along an axis, by default the channels.

    Formula: `y[:, s : s + C_i] = arrays[i]` for axis 1, s being the sum of the C before it.

    Args:
        arrays: a list or tuple of one array or more, of one dtype, and one shape but for the axis.
        axis: negative ones count from the end.

    Returns:
        A new array of their dtype.

    Raises:
        ValueError: there is no array, no such axis, or the shapes do not fit.
        TypeError: the dtypes differ, or are neither float32 nor float64.

    References:
        Szegedy et al., "Going deeper with convolutions", CVPR 2015, section 4.

    Examples:
        >>> import numpy as np
        >>> from striate import ops
        >>> ops.concat([np.array([[1.0, 2.0]]), np.array([[3.0]])]).tolist()
        [[1.0, 2.0, 3.0]]
    """
    return _backend.select("concat", arrays=arrays).concat(arrays, axis)


def concat_grad(dy: FloatArray, sizes: Sequence[int], axis: int = 1) -> tuple[FloatArray, ...]:
    """Gradients of `concat` with respect to each array: dy, cut apart.

    Formula: `dxs[i] = dy[:, s : s + sizes[i]]` for axis 1, s being the sum of the sizes before it.

    Args:
        dy: the gradient with respect to the output, float32 or float64.
        sizes: how long each array was along the axis.
        axis: as in `concat`.

    Returns:
        A tuple of new arrays of dy's dtype.

    Raises:
        ValueError: sizes do not add up to dy's axis, or there is no such axis.
        TypeError: dy is no float32 or float64 array, or sizes are no ints.

    References:
        As in `concat`.

    Examples:
        >>> import numpy as np
        >>> from striate import ops
        >>> a, b = ops.concat_grad(np.array([[1.0, 2.0, 3.0]]), [2, 1])
        >>> a.tolist(), b.tolist()
        ([[1.0, 2.0]], [[3.0]])
    """
    return _backend.select("concat_grad", dy=dy).concat_grad(dy, sizes, axis)


def pad(x: FloatArray, padding: NumericPadding, value: float = 0.0) -> FloatArray:
    """Surround each plane with a constant.

    Formula: `y[n, c, top + i, left + j] = x[n, c, i, j]`, and `value` elsewhere.

    Args:
        x: (N, C, H, W), float32 or float64.
        padding: an int, (h, w) or ((top, bottom), (left, right)), each at least 0.
        value: what is put there.

    Returns:
        (N, C, top + H + bottom, left + W + right), of x's dtype.

    Raises:
        ValueError: x has not 4 axes, or padding is negative or does not fit.
        TypeError: x is no float32 or float64 array, or padding or value no number.

    References:
        ONNX operator specification, Pad (mode "constant").

    Examples:
        >>> import numpy as np
        >>> from striate import ops
        >>> ops.pad(np.ones((1, 1, 1, 2)), ((1, 0), (0, 1)), 7.0)[0, 0].tolist()
        [[7.0, 7.0, 7.0], [1.0, 1.0, 7.0]]
    """
    return _backend.select("pad", x=x).pad(x, padding, value)


def pad_grad(dy: FloatArray, padding: NumericPadding) -> FloatArray:
    """Gradient of `pad` with respect to its input: dy without the border.

    Formula: `dx[n, c, i, j] = dy[n, c, top + i, left + j]`.

    Args:
        dy: the gradient with respect to the output, (N, C, top + H + bottom, left + W + right).
        padding: as in `pad`.

    Returns:
        dx (N, C, H, W), of dy's dtype, a new array.

    Raises:
        ValueError: dy has not 4 axes or is smaller than the padding, or padding is negative.
        TypeError: dy is no float32 or float64 array, or padding is no number.

    References:
        As in `pad`.

    Examples:
        >>> import numpy as np
        >>> from striate import ops
        >>> dy = np.arange(6.0).reshape(1, 1, 2, 3)
        >>> ops.pad_grad(dy, ((1, 0), (0, 1)))[0, 0].tolist()
        [[3.0, 4.0]]
    """
    return _backend.select("pad_grad", dy=dy).pad_grad(dy, padding)
