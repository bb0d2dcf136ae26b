"""Stochastic pooling and its gradient."""

from __future__ import annotations

from striate import _backend
from striate._typing import FloatArray, IntOrPair


def stochastic_pool2d(
    x: FloatArray,
    kernel_size: IntOrPair,
    *,
    stride: IntOrPair | None = None,
    seed: int | None,
    offset: int = 0,
) -> FloatArray:
    """Draw one element of each window, the greater ones more often; or take their average.

    Formula, with the elements a_1, a_2, ... of a window in row-major order, 0 in place of negative
    ones, and their sum S::

        P(y = a_i) = a_i / S                     with a seed, in training
        y = sum of a_i**2 / S                    with seed=None, for inference

    Drawn is the first element at which the running sum exceeds `S * u`; u is the word of
    Philox4x32-10 that `dropout` would use for this element of y, times 2**-32. A window without
    positive elements gives 0. Where S is infinite or NaN, y is S.

    Args:
        x: (N, C, H, W), the output of a ReLU in the paper.
        kernel_size: the window's size, an int or (h, w).
        stride: an int or (h, w); None for the window's size.
        seed: in [0, 2**64); the same seed and offset draw the same. None for the average.
        offset: where to start in the seed's sequence, in counters of four elements.

    Returns:
        y, (N, C, H_out, W_out), of x's dtype; sizes as in `max_pool2d`.

    Raises:
        ValueError: x has not four axes, a number is out of range, or the window is larger than the
            input.
        TypeError: x is no float32 or float64 array, or seed or offset is no int.

    References:
        Zeiler and Fergus, "Stochastic pooling for regularization of deep convolutional neural
        networks", ICLR 2013, sections 3.1 and 3.2.

    Examples:
        >>> import numpy as np
        >>> from striate import ops
        >>> x = np.array([[[[0.0, 3.0, -2.0, 0.0], [0.0, 1.0, -5.0, 0.0]]]])
        >>> ops.stochastic_pool2d(x, 2, seed=None).tolist()
        [[[[2.5, 0.0]]]]
        >>> ops.stochastic_pool2d(x, 2, seed=1).shape
        (1, 1, 1, 2)
    """
    return _backend.select("stochastic_pool2d", x=x).stochastic_pool2d(
        x, kernel_size, stride, seed, offset
    )


def stochastic_pool2d_grad(
    dy: FloatArray,
    x: FloatArray,
    kernel_size: IntOrPair,
    *,
    stride: IntOrPair | None = None,
    seed: int | None,
    offset: int = 0,
) -> FloatArray:
    """Gradient of `stochastic_pool2d` with respect to its input.

    Formula: with a seed, each dy is added to the element that its window draws, which is drawn
    again here: nothing needs to be kept. With seed=None, an element a_i > 0 gets
    `dy * (2 a_i - y) / S`. Elements that are not positive get nothing, nor does any element from a
    window whose S is not positive and finite.

    Args:
        dy: (N, C, H_out, W_out).
        x: (N, C, H, W), the forward's input.
        kernel_size: as in `stochastic_pool2d`; so also all that follow.
        stride: see kernel_size.
        seed: see kernel_size.
        offset: see kernel_size.

    Returns:
        dx, of x's shape and dtype.

    Raises:
        ValueError: as `stochastic_pool2d`, or dy has not the output's shape.
        TypeError: an array is not float32 or float64, or the dtypes differ.

    References:
        As in `stochastic_pool2d`.

    Examples:
        >>> import numpy as np
        >>> from striate import ops
        >>> x, dy = np.array([[[[0.0, 3.0], [0.0, 1.0]]]]), np.array([[[[8.0]]]])
        >>> ops.stochastic_pool2d_grad(dy, x, 2, seed=None).tolist()
        [[[[0.0, 7.0], [0.0, -1.0]]]]
    """
    return _backend.select("stochastic_pool2d_grad", dy=dy, x=x).stochastic_pool2d_grad(
        dy, x, kernel_size, stride, seed, offset
    )
